//! Programs around databases, queues and key stores.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const DROP: Act = Act::critical("database_drop", "removes a database");
const RESET: Act = Act::high("database_reset", "removes what a database holds, to start anew");
const QUEUE: Act = Act::high("queue_delete", "removes a queue or topic with what waits in it");
const KEYS: Act = Act::high("store_delete", "removes many keys or secrets of a store");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("dropdb|pg_dropcluster|pg_resetwal|pg_resetxlog|pg_archivecleanup", "", DROP),
    row("mysqladmin|mariadb-admin", "drop|shutdown|flush-*", DROP),
    with("pg_restore", "", "-c|--clean", RESET),
    with("mongorestore", "", "--drop", RESET),
    with("psql", "", "--clean", RESET),
    row(
        "rails|rake|bin/rails",
        "db:drop*|db:reset*|db:purge|db:migrate:reset|db:schema:load|db:truncate_all|db:seed:replant",
        RESET,
    ),
    row(
        "artisan",
        "migrate:fresh|migrate:reset|migrate:refresh|db:wipe|queue:clear|queue:flush|cache:clear",
        RESET,
    ),
    with(
        "php",
        "artisan|*artisan migrate:fresh|migrate:reset|migrate:refresh|db:wipe|queue:flush",
        "",
        RESET,
    ),
    with("python|py", "*manage.py flush|reset_db|sqlflush|reset_schema|clear_index", "", RESET),
    with("manage.py|django-admin", "flush|reset_db", "", RESET),
    row("prisma", "migrate reset", RESET),
    with("prisma", "db push", "--force-reset|--accept-data-loss", RESET),
    row("sequelize|sequelize-cli", "db:drop|db:migrate:undo:all", RESET),
    row("typeorm", "schema:drop", RESET),
    row("drizzle-kit", "drop", RESET),
    row("knex", "migrate:rollback", Act { score: 0.55, ..RESET }),
    row("alembic|flask", "downgrade|db base|downgrade", Act { score: 0.55, ..RESET }),
    row("alembic", "downgrade", Act { score: 0.55, ..RESET }),
    row("flyway", "clean", RESET),
    row("liquibase", "drop-all|dropall", RESET),
    row("mix", "ecto.drop|ecto.reset|ecto.rollback", RESET),
    row("diesel|sqlx", "database reset|drop", RESET),
    row("goose|dbmate|migrate|atlas", "reset|down-to|drop|schema", RESET),
    row("hasura", "metadata clear", RESET),
    row("strapi|directus|wp", "db|site reset|drop|clean|empty|delete", RESET),
    row("wp", "post|user|plugin delete", Act { score: 0.55, ..RESET }),
    row("drush", "sql:drop|sql-drop|site:install|user:cancel", RESET),
    row("meteor", "reset", RESET),
    row("etcdctl", "del|delete|snapshot|member|rm|rmdir", Act { score: 0.55, ..KEYS }),
    with("etcdctl", "del", "--prefix|--from-key", KEYS),
    row("etcdctl", "member remove", KEYS),
    row("consul", "kv delete", Act { score: 0.55, ..KEYS }),
    with("consul", "kv delete", "-recurse", KEYS),
    row("consul", "leave|force-leave|acl|intention|snapshot delete|*", Act { score: 0.45, ..KEYS }),
    row("vault", "kv delete|destroy|metadata", Act { score: 0.6, ..KEYS }),
    row("vault", "kv metadata delete", KEYS),
    row("vault", "secrets|auth|audit disable", KEYS),
    row("vault", "operator seal|step-down", KEYS),
    row("vault", "delete|policy|token|lease delete|revoke", Act { score: 0.55, ..KEYS }),
    row("vault", "delete", Act { score: 0.55, ..KEYS }),
    row(
        "doppler|infisical|op|chamber|bw|lpass|pass|gopass",
        "secrets|projects|configs|item|items|vault|document|environments delete|rm",
        KEYS,
    ),
    row("pass|gopass|lpass|bw|chamber", "rm|delete", Act { score: 0.55, ..KEYS }),
    with(
        "kafka-topics|kafka-topics.sh|kafka-consumer-groups|kafka-consumer-groups.sh|kafka-configs|kafka-acls|kafka-acls.sh",
        "",
        "--delete|--delete-offsets|--remove",
        QUEUE,
    ),
    row("kafka-delete-records|kafka-delete-records.sh|kafka-leader-election", "", QUEUE),
    with("kafka-consumer-groups|kafka-consumer-groups.sh", "", "--reset-offsets --execute", QUEUE),
    row("kcat|rpk|kaf|ccloud|confluent", "topic|kafka|cluster|group delete|topic", QUEUE),
    row("rpk|kaf", "topic|group|cluster delete|trim-prefix", QUEUE),
    row(
        "rabbitmqctl",
        "reset|force_reset|delete_queue|purge_queue|delete_vhost|delete_user|stop_app|stop|shutdown|forget_cluster_node|clear_*",
        QUEUE,
    ),
    row("rabbitmqadmin", "delete|purge|close", QUEUE),
    row("nats", "stream|consumer|kv|object rm|purge|del|delete|destroy", QUEUE),
    row(
        "pulsar-admin|bin/pulsar-admin",
        "topics|namespaces|tenants|clusters delete*|clear*|terminate",
        QUEUE,
    ),
    row("celery", "purge|amqp|control", QUEUE),
    with("celery", "purge", "", QUEUE),
    with("celery", "", "purge", QUEUE),
    row("mosquitto_ctrl|emqx|emqx_ctl", "dynsec|clients delete*|kick|reset", QUEUE),
    row("zkcli|zkcli.sh|zookeeper-client", "deleteall|rmr|delete", KEYS),
    with("hdfs|hadoop", "dfs|fs", "-rm|-rmr|-rmdir|-expunge -r|-skipTrash|-R|-rmr|-expunge", DROP),
    with("hdfs|hadoop", "namenode", "-format", DROP),
    row("nodetool", "decommission|removenode|clearsnapshot|drain|stopdaemon|assassinate|truncatehints", DROP),
    row("influx", "delete", DROP),
    row("influx", "bucket|org|user|auth|task delete", DROP),
    row(
        "curator|curator_cli|elasticsearch-curator",
        "delete_indices|delete-indices|delete_snapshots|close",
        DROP,
    ),
    row(
        "elasticsearch-reset-password|elasticsearch-users|elasticsearch-node",
        "unsafe-bootstrap|userdel|remove-*",
        DROP,
    ),
    row("aerospike|asinfo|couchbase-cli|cbq", "bucket-delete|bucket-flush|rebalance", DROP),
    row("tsh|tctl", "rm", KEYS),
];

/// redis-cli: `--scan --pattern … | xargs redis-cli del`.
pub(super) fn redis(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let removes = arguments.any(&["del", "unlink"]);
    (removes && arguments.many).then_some(KEYS)
}
