//! Which program is judged by what.

use super::index::Judge;
use super::rows::Row;
use super::{
    access, cloud, containers, data, disks, files, find, git, http, machines, network, packages, processes,
    services, traces, vaults, windows,
};

/// Judges of single programs.
pub(super) const JUDGES: &[(&str, Judge)] = &[
    ("rm|grm", files::rm),
    ("unlink", files::unlink),
    ("shred|gshred|wipe|srm|sdelete|sdelete64|scrub|sfill|secure-delete|bleachbit", files::shred),
    ("truncate", files::truncate),
    ("mv|gmv", files::mv),
    ("cp|install|copy", files::cp),
    ("tee", files::tee),
    ("sed|gsed|ex|vi|vim", files::sed),
    ("dd|dcfldd|gdd", files::dd),
    ("rsync|rclone", files::rsync),
    ("ln", traces::ln),
    ("export|unset|unsetenv|setenv|declare|typeset|readonly|local|set", traces::judge),
    ("sshpass", traces::sshpass),
    ("find|gfind|fd|fdfind", find::judge),
    ("git", git::judge),
    ("mkfs|mke2fs|mkfs.ext4|mkfs.xfs", disks::mkfs),
    ("fdisk|gdisk|cfdisk|sfdisk|parted", disks::fdisk),
    ("kill", processes::kill),
    ("killall|pkill", processes::by_name),
    ("service", services::service),
    ("nginx|apachectl|httpd", services::signal),
    ("shutdown|reboot|halt|poweroff", machines::shutdown),
    ("logoff", machines::logoff),
    ("passwd", access::passwd),
    ("chmod", access::chmod),
    ("chown|chgrp", access::chown),
    ("iptables|ip6tables", network::policy),
    (
        "apt|apt-get|aptitude|yum|dnf|zypper|pacman|apk|emerge|yay|paru|xbps-remove|opkg|pkg|microdnf",
        packages::judge,
    ),
    ("pip|pip3", packages::pip),
    ("kubectl|k", containers::kubectl),
    ("docker|podman|nerdctl", containers::listed),
    (
        "aws|gcloud|az|doctl|hcloud|openstack|oci|yc|scw|civo|exo|upctl|linode-cli|vultr-cli|ibmcloud|aliyun|tccli|triton|ovhcloud",
        cloud::judge,
    ),
    ("gpg|gpg2", vaults::gpg),
    ("openssl", vaults::openssl),
    ("7z|7za|7zz|7zr", vaults::seven_zip),
    ("redis-cli|valkey-cli", data::redis),
    ("curl|wget|http|xh|https|httpie", http::judge),
    ("invoke-restmethod|invoke-webrequest|irm|iwr", http::rest_method),
    ("del|erase", windows::del),
    ("rd|rmdir", windows::rd),
    ("ri", windows::remove),
    ("format", windows::format),
    ("diskpart", windows::diskpart),
    ("diskshadow", windows::diskshadow),
    ("cipher", windows::cipher),
    ("net|net1", windows::net),
    ("taskkill", windows::taskkill),
    ("verb-noun", windows::cmdlet),
];

/// Rules in rows.
pub(super) const TABLES: &[&[Row]] = &[
    access::ROWS,
    cloud::ROWS,
    containers::ROWS,
    data::ROWS,
    disks::ROWS,
    git::ROWS,
    machines::ROWS,
    network::ROWS,
    packages::ROWS,
    processes::ROWS,
    services::ROWS,
    traces::ROWS,
    vaults::ROWS,
    windows::ROWS,
];
