//! Disks, partitions, volumes, file systems, snapshots.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use super::target;
use crate::detect::destructive::act::Act;

const FORMAT: Act = Act::critical("disk_format", "makes a new file system over what was there");
const WIPE: Act = Act::critical("disk_wipe", "erases a disk, or what tells its contents");
const PARTITION: Act = Act::high("partition_change", "changes or removes partitions");
const VOLUME: Act = Act::high("volume_remove", "removes volumes, pools or snapshots");
const MOUNT: Act = Act::medium("unmount", "takes a file system away from those who use it");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    with("wipefs", "", "-a|--all|-o|--offset|-af", WIPE),
    with("cryptsetup", "luksformat|lukserase|erase|lukskillslot|luksremovekey|reencrypt|format", "", WIPE),
    row("nvme", "format|sanitize|delete-ns", WIPE),
    row("blkdiscard|nwipe|dban|dc3dd", "", WIPE),
    with("badblocks", "", "-w", WIPE),
    with("hdparm", "", "--security-erase|--security-erase-enhanced|--trim-sector-ranges", WIPE),
    with("sg_format|sg_sanitize", "", "", WIPE),
    with("sgdisk", "", "-Z|--zap-all|--zap|-o|--clear|-d|--delete|-z", PARTITION),
    with("parted", "", "rm|mklabel|mktable|mkpart|resizepart|resize", PARTITION),
    with("sfdisk", "", "--delete|--wipe|--force", PARTITION),
    row("lvremove|vgremove|pvremove|lvreduce|vgreduce|thin_delete", "", VOLUME),
    row("lvm", "lvremove|vgremove|pvremove", VOLUME),
    row("zfs", "destroy", VOLUME),
    row("zpool", "destroy|labelclear", VOLUME),
    with("zfs", "rollback", "-r|-R|-f", VOLUME),
    row("btrfs", "subvolume|su|sub delete|del", VOLUME),
    with("mdadm", "", "--zero-superblock|--stop|--remove|--fail", VOLUME),
    row("dmsetup", "remove|remove_all|wipe_table|clear", VOLUME),
    row("snapper", "delete|remove", VOLUME),
    with("timeshift", "", "--delete|--delete-all", VOLUME),
    row(
        "diskutil",
        "erasedisk|erasevolume|partitiondisk|secureerase|zerodisk|randomdisk|reformat|eraseoptical",
        FORMAT,
    ),
    row("diskutil", "apfs|cs|appleraid delete*|erase*", VOLUME),
    row("tmutil", "delete*|disable|thinlocalsnapshots", VOLUME),
    row("ceph", "osd purge|destroy|rm|out|pool", VOLUME),
    row("ceph", "fs|volume rm|remove|purge", VOLUME),
    row("rbd", "rm|remove|purge|snap", VOLUME),
    row("gluster", "volume delete|stop|reset", VOLUME),
    row("mmdelfs|mmdeldisk|newfs|mke2fs|mkntfs|newfs_apfs|newfs_hfs|mkdosfs", "", FORMAT),
    row("vgcfgrestore|pvmove", "", Act::low("volume_remove", "changes volumes")),
    with("umount", "", "-a|-l|-f|--all|--force|--lazy", MOUNT),
    with("mount", "", "remount,ro|-oremount,ro|ro,remount", MOUNT),
    with("swapoff", "", "-a", Act::low("unmount", "takes swap away")),
    with("tune2fs|resize2fs|xfs_growfs", "", "-f -O", Act::low("partition_change", "changes a file system")),
    with("xfs_db|debugfs", "", "-w", Act::low("disk_write", "writes to a file system past its driver")),
    with("qemu-img", "snapshot", "-d", VOLUME),
    row(
        "virsh",
        "undefine|destroy|vol-delete|pool-delete|pool-destroy|snapshot-delete|vol-wipe|net-destroy",
        VOLUME,
    ),
    row("vboxmanage", "unregistervm|closemedium|controlvm|snapshot --delete|delete|poweroff", VOLUME),
    with("vboxmanage", "unregistervm|closemedium", "--delete", VOLUME),
    row(
        "vim-cmd",
        "vmsvc/snapshot.remove*|vmsvc/power.off|vmsvc/destroy|vmsvc/unregister|vmsvc/power.shutdown",
        VOLUME,
    ),
    row("vim-cmd", "hostsvc/*", Act::low("volume_remove", "changes a host")),
    row("esxcli", "vm process kill", VOLUME),
    row("esxcli", "storage|system|vsan filesystem|shutdown|coredump|cluster|maintenancemode", VOLUME),
    row("qm|pct", "destroy|stop", VOLUME),
    row("multipass", "delete|purge", VOLUME),
    row("vagrant", "destroy", VOLUME),
];

/// mkfs, mkfs.ext4 and their like; -n only says what would be done.
pub(super) fn mkfs(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let only_says =
        arguments.texts().any(|word| word == "-n" || word == "-N") && !arguments.name.contains("vfat");
    let disk = arguments.plain().any(target::is_disk) || arguments.plain().any(|word| word.starts_with('$'));
    match () {
        () if only_says || arguments.plain().next().is_none() => None,
        () if disk => Some(FORMAT),
        () => Some(Act { score: 0.45, ..FORMAT }),
    }
}

/// fdisk, gdisk, cfdisk, sfdisk: told what to do by what they read.
pub(super) fn fdisk(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let lists = arguments.short('l')
        || arguments.short('d')
        || arguments.long("list")
        || arguments.long("dump")
        || arguments.short('s');
    let told = arguments.simple.here.is_some()
        || arguments.before.is_some()
        || !arguments.simple.redirects.is_empty();
    let disk = arguments.plain().any(target::is_disk);
    (disk && told && !lists).then_some(PARTITION)
}
