//! Services that are stopped, disabled or removed.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const STOP: Act = Act::medium("service_stop", "stops a service, or keeps it from starting");
const ALL: Act = Act::high("service_stop", "stops many services at once");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("systemctl", "stop|disable|mask|kill|isolate|set-default|revert", STOP),
    row(
        "systemctl",
        "reboot|poweroff|halt|kexec|rescue|emergency|suspend|hibernate|soft-reboot|exit",
        super::machines::SHUTDOWN,
    ),
    row("launchctl", "unload|bootout|remove|stop|disable|kill|reboot", STOP),
    row("rc-service", "* stop", STOP),
    row("rc-update", "del|delete", STOP),
    row("update-rc.d", "* remove|disable", STOP),
    row("invoke-rc.d", "* stop", STOP),
    with("chkconfig", "", "off", STOP),
    with("chkconfig", "", "--del", STOP),
    row("initctl|stop", "stop", STOP),
    row("sv", "stop|down|force-stop|exit|kill|force-shutdown", STOP),
    row("svcadm", "disable", STOP),
    row("supervisorctl", "stop|shutdown|remove", STOP),
    row("pm2", "delete|kill", STOP),
    row("pm2", "stop all", STOP),
    row("monit", "stop|unmonitor all", ALL),
    row("snap", "stop|disable", STOP),
    row("apachectl|nginx", "stop|graceful-stop", STOP),
    row("pg_ctl", "stop", STOP),
    row("mysqladmin|mariadb-admin", "shutdown|kill", STOP),
    row("asadmin", "stop-domain", STOP),
    with("brew", "services stop", "--all", STOP),
    with("crontab", "", "-r", Act::medium("schedule_removal", "removes all scheduled commands of a user")),
    row("atrm", "*", Act::low("schedule_removal", "removes a scheduled command")),
    with("at", "", "-r", Act::low("schedule_removal", "removes a scheduled command")),
    row(
        "airflow",
        "dags|db|pools delete|reset|clean",
        Act::medium("schedule_removal", "removes scheduled work"),
    ),
];

/// service and scripts in /etc/init.d.
pub(super) fn service(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let verb = arguments.plain().nth(1)?;
    (verb == "stop" || verb == "full-stop").then_some(STOP)
}

/// nginx and its like: told to stop.
pub(super) fn signal(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let signal = arguments.value("-s").or_else(|| arguments.value("-k"))?;
    matches!(signal, "stop" | "quit" | "graceful-stop").then_some(STOP)
}
