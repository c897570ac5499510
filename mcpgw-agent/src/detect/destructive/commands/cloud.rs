//! Clouds, platforms and what builds in them.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const DELETE: Act = Act::high("cloud_delete", "removes something of a cloud account");
const STORE: Act = Act::critical("cloud_delete", "removes a store with all that is in it");
const STOP: Act = Act { score: 0.55, ..Act::medium("cloud_stop", "stops what runs in a cloud account") };
const SMALL: Act = Act::low("cloud_delete", "removes something small of a cloud account");
const DESTROY: Act = Act::critical("infrastructure_destroy", "takes down all that a description built");
const STATE: Act = Act::high("infrastructure_state", "forgets or changes what was built");
const PLATFORM: Act = Act::high("platform_delete", "removes an application, its data or its settings");
const TERRAFORM: &str = "terraform|tofu|terragrunt";

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row(TERRAFORM, "destroy", DESTROY),
    row(TERRAFORM, "run-all|run destroy", DESTROY),
    with(TERRAFORM, "apply", "-destroy|--destroy", DESTROY),
    row(TERRAFORM, "state rm|push|mv", STATE),
    row(TERRAFORM, "workspace delete", STATE),
    row(TERRAFORM, "taint|force-unlock", Act { score: 0.45, ..STATE }),
    row("pulumi", "destroy|down", DESTROY),
    row("pulumi", "stack rm", DESTROY),
    row("pulumi", "state delete", STATE),
    row(
        "cdk|sst|copilot|amplify|sls|serverless|eb|sam|chalice|zappa|architect",
        "destroy|remove|delete|terminate|undeploy",
        DESTROY,
    ),
    row("copilot", "app|env|svc|job delete", DESTROY),
    row("amplify", "env remove", DESTROY),
    row("ansible-playbook", "destroy*|teardown*", Act { score: 0.55, ..DESTROY }),
    row("aws", "s3 rb", STORE),
    with("aws", "s3 rm", "--recursive", STORE),
    row("aws", "s3 rm", SMALL),
    with("aws", "s3 sync", "--delete", Act { score: 0.55, ..DELETE }),
    row("gsutil", "rb", STORE),
    with("gsutil", "rm", "-r|-R|-a", STORE),
    with("gsutil", "rsync", "-d", Act { score: 0.55, ..DELETE }),
    row("bq", "rm", STORE),
    with("gcloud", "storage rm", "-r|-R|--recursive|--all-versions", STORE),
    row("gcloud", "storage rm", SMALL),
    with("az", "storage blob delete-batch", "", STORE),
    row("azcopy", "remove|rm", DELETE),
    with("rclone", "purge|delete|rmdirs", "", STORE),
    with("mc", "rb|rm", "--force|--recursive|-r", STORE),
    with("s3cmd|s5cmd|s4cmd", "rb|del|rm", "--recursive|-r|--force|*\\**|s3://*", STORE),
    row("b2", "delete-bucket|bucket|rm", STORE),
    row(
        "heroku",
        "apps:destroy|apps:delete|destroy|pg:reset|addons:destroy|addons:detach|pipelines:destroy|keys:clear|ps:kill|domains:clear|pg:kill*|redis:*|spaces:destroy|data:*destroy|access:remove|orgs:*",
        PLATFORM,
    ),
    row("heroku", "ps:stop|ps:scale|maintenance:on|config:unset", Act { score: 0.45, ..PLATFORM }),
    row("heroku", "addons|apps|pg destroy|reset", PLATFORM),
    row(
        "fly|flyctl",
        "apps|app|volumes|volume|vol|machine|machines|m|postgres|pg|ips|secrets|redis|certs|scale destroy|delete|release|remove|unset|detach|0|count",
        PLATFORM,
    ),
    row("fly|flyctl", "destroy", PLATFORM),
    row("vercel|now", "rm|remove", PLATFORM),
    row(
        "vercel|now",
        "project|projects|domains|env|dns|alias|certs|secrets|blob|teams rm|remove|delete",
        PLATFORM,
    ),
    row("netlify|ntl", "sites:delete|site:delete|env:unset|blobs:delete", PLATFORM),
    row(
        "firebase",
        "firestore:delete|database:remove|hosting:disable|functions:delete|projects:*delete|apps:*delete|auth:*delete|hosting:sites:delete|remoteconfig:*delete",
        PLATFORM,
    ),
    row("wrangler", "delete", PLATFORM),
    row(
        "wrangler",
        "d1|r2|kv|queues|pages|secret|kv:namespace|kv:key|kv:bulk|hyperdrive|vectorize delete",
        PLATFORM,
    ),
    row(
        "wrangler",
        "r2|kv|pages|d1 bucket|namespace|project|bulk|key|deployment|object|time-travel delete|restore",
        PLATFORM,
    ),
    row("supabase", "db reset", PLATFORM),
    row("supabase", "projects|functions|secrets|branches|storage|stop delete|unset|rm|disable", PLATFORM),
    row("railway", "down|delete|volume|environment|service delete|*", PLATFORM),
    row("railway", "down|delete", PLATFORM),
    row(
        "render|koyeb|dokku|cf|platform|upsun|convox|nixpacks|porter|zeabur|northflank",
        "apps:destroy|delete|delete-*|destroy|services|purge-*|postgres:destroy|mysql:destroy|redis:destroy|ps:stop",
        PLATFORM,
    ),
    row("koyeb|render", "service|services|app|apps|database delete|suspend", PLATFORM),
    row("cf", "delete*|purge*|stop|unbind*", PLATFORM),
    row(
        "neonctl|neon|pscale|planetscale|turso|xata|atlas|mongocli|upstash|convex|fauna",
        "projects|branches|branch|databases|database|db|clusters|cluster|group|redis delete|destroy|reset|rm",
        PLATFORM,
    ),
    row(
        "sentry-cli|datadog-ci|dog|newrelic|pd|grafana-cli|stripe",
        "releases|projects|monitors|monitor|customers|products|delete delete|remove|delete-all",
        PLATFORM,
    ),
    row("stripe", "customers|subscriptions|products|coupons|webhook_endpoints|plans delete|cancel", PLATFORM),
    row("eas|expo", "project|build|update|branch|channel delete|cancel", PLATFORM),
    row(
        "databricks",
        "clusters|jobs|workspace|fs|repos|instance-pools|secrets|unity-catalog delete|permanent-delete|rm|delete-scope",
        PLATFORM,
    ),
    row("cloudflared", "tunnel delete|cleanup", PLATFORM),
];

/// `aws SERVICE delete-thing`, and the other clouds' ways to say it.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let verbs: Vec<&str> = verbs(arguments);
    // What is installed or set here, not there.
    if verbs.first().is_some_and(|group| {
        matches!(*group, "config" | "components" | "extension" | "auth" | "cache" | "configure")
    }) {
        return None;
    }
    match arguments.name {
        "aws" => aws(verbs.first().copied()?, verbs.get(1).copied()?),
        "gcloud" | "az" | "doctl" | "hcloud" | "openstack" | "oci" | "yc" | "scw" | "civo" | "exo"
        | "upctl" | "linode-cli" | "vultr-cli" | "ibmcloud" | "aliyun" | "tccli" | "triton" | "ovhcloud" => {
            verbs.iter().enumerate().find_map(|(index, verb)| cloud(verb, index))
        }
        _ => None,
    }
}

/// The words in front that are no options nor, most likely, their values.
fn verbs<'w>(arguments: &Arguments<'w, '_>) -> Vec<&'w str> {
    let mut verbs = Vec::new();
    let mut after_option = false;
    for word in arguments.texts().take(24) {
        if word.starts_with('-') {
            after_option = !word.contains('=');
        } else if !std::mem::take(&mut after_option) || is_removal(word) {
            verbs.push(word);
        }
    }
    verbs.truncate(6);
    verbs
}

fn is_removal(word: &str) -> bool {
    matches!(word, "delete" | "destroy" | "purge" | "terminate")
}

fn aws(service: &str, verb: &str) -> Option<Act> {
    let small = matches!(
        verb,
        "delete-message"
            | "delete-message-batch"
            | "delete-tags"
            | "delete-object-tagging"
            | "delete-item"
            | "delete-object"
            | "stop-task"
            | "deregister-task-definition"
            | "delete-alarms"
            | "stop-query-execution"
            | "stop-execution"
            | "stop-build"
    );
    let store =
        matches!(service, "rds" | "s3api" | "dynamodb" | "eks" | "kms" | "organizations" | "backup" | "efs")
            || matches!(
                verb,
                "terminate-instances" | "delete-stack" | "delete-vpc" | "delete-volume" | "delete-snapshot"
            );
    let starts = |starts: &[&str]| starts.iter().any(|start| verb.starts_with(start));
    match () {
        () if small => Some(SMALL),
        () if service == "s3api" && starts(&["put-bucket-lifecycle", "put-bucket-versioning"]) => Some(SMALL),
        () if starts(&[
            "delete",
            "terminate",
            "purge",
            "schedule-key-deletion",
            "batch-delete",
            "empty-",
            "remove-",
            "destroy",
            "force-delete",
        ]) =>
        {
            Some(if store { STORE } else { DELETE })
        }
        () if starts(&[
            "deregister",
            "release-",
            "detach-",
            "revoke-",
            "disable",
            "stop-",
            "deactivate",
            "close-account",
            "leave-",
            "cancel-",
            "suspend",
            "reset-",
            "reboot-",
            "abort-",
        ]) =>
        {
            Some(STOP)
        }
        () => None,
    }
}

fn cloud(verb: &str, index: usize) -> Option<Act> {
    if index == 0 && verb.len() < 4 {
        return None;
    }
    let lower = verb.to_ascii_lowercase();
    let starts = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    match () {
        () if index > 0
            && (is_removal(&lower)
                || starts(&[
                    "delete-",
                    "batch-delete",
                    "bulk-delete",
                    "terminate-",
                    "remove-iam",
                    "purge",
                ])) =>
        {
            Some(DELETE)
        }
        () if starts(&["delete", "terminate", "remove"]) && lower.contains("instance") => Some(DELETE),
        () if index > 0 && matches!(lower.as_str(), "rm" | "remove") => Some(DELETE),
        () if lower.ends_with("-delete") || lower.ends_with("-rm") || lower.ends_with("-cancel") => {
            Some(DELETE)
        }
        () if index > 0
            && matches!(
                lower.as_str(),
                "deallocate"
                    | "disable"
                    | "stop"
                    | "power-off"
                    | "poweroff"
                    | "shutdown"
                    | "rebuild"
                    | "abandon-instances"
                    | "regenerate"
            ) =>
        {
            Some(STOP)
        }
        () => None,
    }
}
