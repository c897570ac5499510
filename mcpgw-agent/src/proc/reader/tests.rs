//! What is read, and what is remembered of it.

use super::super::tests::{Running, settled, sleeper};
use super::super::variable_of;

#[test]
fn of_an_environment_the_first_part_is_read() {
    let mut command = sleeper();
    command.env_clear().env("A", "a").env("HOME", "/home/ann").env("Z", "z".repeat(100_000));
    let child = Running::start(&mut command);
    let pid = child.key().pid;
    assert_eq!(
        settled(&Some(b"/home/ann".to_vec()), || variable_of(pid, "HOME")),
        Some(b"/home/ann".to_vec())
    );
    assert_eq!(variable_of(pid, "Z"), None, "it does not end where reading does");
}
