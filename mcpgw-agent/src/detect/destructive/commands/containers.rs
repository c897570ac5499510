//! Containers and what runs them: docker, kubernetes, helm.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const PRUNE: Act =
    Act::medium("container_delete", "removes containers, images or networks nobody named one by one");
const VOLUMES: Act = Act::high("container_delete", "removes volumes, and the data in them");
const FORCE: Act = Act { score: 0.55, ..Act::medium("container_delete", "removes what is running") };
const ONE: Act = Act::low("container_delete", "removes a container or an image");
const CLUSTER: Act = Act::high("cluster_delete", "removes what runs in a cluster");
const NAMESPACE: Act =
    Act::critical("cluster_delete", "removes a cluster's namespace, or everything of a kind");
const DRAIN: Act = Act::medium("cluster_drain", "takes away what runs somewhere");
const RELEASE: Act = Act::high("release_uninstall", "removes what is deployed");
const DOCKER: &str = "docker|podman|nerdctl";

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row(DOCKER, "system|container|image|builder|buildx|network|pod prune|reset", PRUNE),
    row(DOCKER, "volume prune|rm|remove", VOLUMES),
    with(DOCKER, "system prune", "--volumes", VOLUMES),
    with(DOCKER, "rm", "-f|--force", FORCE),
    with(DOCKER, "container|pod rm|remove", "-f|--force", FORCE),
    with(DOCKER, "rmi", "-f|--force", FORCE),
    with(DOCKER, "image rm|remove", "-f|--force", FORCE),
    with(DOCKER, "rm|rmi|stop|kill", "-a|--all", PRUNE),
    row(DOCKER, "rm|rmi", ONE),
    row(DOCKER, "stack|service|node|machine rm|remove|delete", Act { score: 0.55, ..RELEASE }),
    with(DOCKER, "swarm leave", "-f|--force", CLUSTER),
    row(DOCKER, "secret|config|network|context|trust|manifest|plugin rm|remove|revoke|disable", ONE),
    with(DOCKER, "compose down", "-v|--volumes|--rmi", VOLUMES),
    with(DOCKER, "compose rm", "-v|-f|-s", VOLUMES),
    with("docker-compose|podman-compose", "down", "-v|--volumes|--rmi", VOLUMES),
    with("docker-compose", "rm", "-v|-f", VOLUMES),
    row("docker-machine", "rm", RELEASE),
    row("podman", "system reset", PRUNE),
    row("crictl", "rmi|rm|rmp|stopp", ONE),
    with("crictl", "rmi|rm|rmp", "-a|--all|-f|--prune", PRUNE),
    row("ctr", "images|i|containers|c|tasks|snapshots rm|remove|delete|kill", PRUNE),
    row("lxc|incus", "delete", FORCE),
    row("lxc|incus", "storage|network|project delete", VOLUMES),
    row("oc", "delete", CLUSTER),
    row("oc", "adm drain|prune", DRAIN),
    row("kubectl|k", "drain", DRAIN),
    row("kubectl|k", "cordon", Act::low("cluster_drain", "keeps new work off a node")),
    with("kubectl|k|oc", "scale", "--replicas=0", DRAIN),
    with("kubectl|k|oc", "scale", "--replicas 0", DRAIN),
    with("kubectl|k|oc", "replace", "--force", CLUSTER),
    with("kubectl|k|oc", "apply", "--prune", CLUSTER),
    with("kubectl|k", "taint", "*:NoExecute", DRAIN),
    with("kubectl|k", "patch", "*finalizers*", CLUSTER),
    row("kubectl|k", "rollout undo", Act::low("cluster_drain", "goes back to what was deployed before")),
    row("kubectl|k", "config delete-*|unset", Act::low("cluster_delete", "changes which clusters are known")),
    row("helm", "uninstall|delete|del|un", RELEASE),
    row("helmfile", "destroy|delete", RELEASE),
    row("helm", "rollback", Act::low("release_uninstall", "goes back to what was deployed before")),
    row(
        "kind|k3d|minikube|eksctl|kops|k0s|rke|talosctl|kubeadm|clusterctl|colima",
        "delete|reset|remove",
        CLUSTER,
    ),
    row("k3d|kind", "cluster delete", CLUSTER),
    row("k3s-uninstall.sh|k3s-killall.sh", "", CLUSTER),
    row("argocd", "app|appset|proj|cluster|repo delete|rm|remove", RELEASE),
    row("flux", "uninstall|delete", RELEASE),
    row("istioctl", "uninstall|x", RELEASE),
    row("linkerd|cilium|knative|kn", "uninstall|delete|service", RELEASE),
    row("nomad", "job stop", DRAIN),
    row("nomad", "stop|system|node|volume gc|drain|delete|stop|*", DRAIN),
    row("velero", "backup|schedule|restore delete", Act::high("backup_destroy", "removes backups")),
    row("velero", "delete|uninstall", Act::high("backup_destroy", "removes backups")),
    row("skaffold|tilt|garden", "delete|down|cleanup", Act { score: 0.45, ..RELEASE }),
    row("skopeo|crane|oras|regctl", "delete|manifest|tag", Act { score: 0.55, ..RELEASE }),
    row("rancher", "rm|clusters|projects|delete", CLUSTER),
    with("ansible", "*", "-m", Act::low("remote_change", "changes other machines")),
];

/// kubectl delete.
pub(super) fn kubectl(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let mut texts = arguments.texts().skip_while(|word| *word != "delete");
    // The verb stands in front, behind options and their values at most.
    if arguments.texts().position(|word| word == "delete")? > 6 || !before_is_options(arguments) {
        return None;
    }
    texts.next();
    let rest: Vec<&str> = texts.collect();
    let resource = rest.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
    let kind = resource.split('/').next().unwrap_or(resource).to_ascii_lowercase();
    let all = arguments.long("all") || arguments.long("all-namespaces") || arguments.any(&["-A"]);
    match kind.as_str() {
        "ns"
        | "namespace"
        | "namespaces"
        | "crd"
        | "crds"
        | "customresourcedefinition"
        | "pv"
        | "persistentvolume"
        | "node"
        | "nodes"
        | "no"
        | "all"
        | "cluster" => Some(NAMESPACE),
        _ if all => Some(NAMESPACE),
        "pod" | "pods" | "po" | "job" | "jobs" | "event" | "events" | "lease" => {
            let forced = arguments.long("force") || arguments.any(&["--grace-period=0", "-l", "--selector"]);
            Some(Act { score: if forced { 0.55 } else { 0.4 }, ..CLUSTER })
        }
        _ => Some(CLUSTER),
    }
}

fn before_is_options(arguments: &Arguments<'_, '_>) -> bool {
    let mut after_option = false;
    for word in arguments.texts().take_while(|word| *word != "delete") {
        if word.starts_with('-') {
            after_option = !word.contains('=');
        } else if !std::mem::take(&mut after_option) {
            return false;
        }
    }
    true
}

/// `docker rm $(docker ps -aq)` and `docker ps -q | xargs docker stop`.
pub(super) fn listed(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let verb = arguments.first();
    let removes = matches!(verb, "rm" | "rmi" | "kill" | "stop" | "container" | "image");
    let listed = arguments.many || arguments.texts().any(|word| word.starts_with("$("));
    (removes && listed).then_some(PRUNE)
}
