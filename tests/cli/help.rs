//! The whole command line on one page: no flag changes unseen.

use crate::program::run;

#[test]
#[expect(clippy::too_many_lines, reason = "the whole help, as people get it")]
fn the_help_tree() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["reload", "--help"],
        &["status", "--help"],
        &["doctor", "--help"],
        &["config", "--help"],
        &["config", "check", "--help"],
        &["policy", "--help"],
        &["policy", "validate", "--help"],
        &["policy", "test", "--help"],
        &["policy", "diff", "--help"],
        &["policy", "explain", "--help"],
        &["wrap", "--help"],
        &["hold", "--help"],
        &["hold", "list", "--help"],
        &["hold", "approve", "--help"],
        &["hold", "deny", "--help"],
        &["proxy", "--help"],
        &["audit", "--help"],
        &["audit", "verify", "--help"],
        &["pins", "--help"],
        &["pins", "list", "--help"],
        &["pins", "diff", "--help"],
        &["pins", "approve", "--help"],
        &["pins", "reset", "--help"],
        &["scan", "--help"],
    ] {
        let output = run(dir.path(), arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        text.push_str(&format!("$ mcpgw-agent {}\n", arguments.join(" ")));
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        text.push('\n');
    }
    insta::assert_snapshot!(text, @r###"
    $ mcpgw-agent --help
    Finds every MCP server on this host and shows which run outside the gateway

    Usage: mcpgw-agent <COMMAND>

    Commands:
      run      Runs the agent: watches the host, answers `status`, serves metrics
      reload   Has the running agent read its configuration and its policy anew; for root and the
               agent's own user
      status   Lists the MCP servers running on this host and says which run outside the gateway
      doctor   Shows which hooks this kernel grants, what each missing one costs, and what to do about
               it
      config   Looks after the configuration file
      policy   Checks, tests, compares and explains policies
      wrap     Runs an MCP server behind the gateway: put it before the server's command in the client's
               configuration
      proxy    Stands before an MCP server that is reached over HTTP, and decides on every message
      hold     Lists messages that policy holds for approval, and decides on them; for root and the
               agent's own user
      audit    Looks after audit logs
      tail     Shows the last records of an audit log, a line each, and with --follow those that are
               added
      inspect  Shows what the detectors find in a text from standard input, and what the policy makes of
               that
      pins     Lists, compares, approves and forgets what servers say about themselves
               (docs/detection/pins.md)
      scan     Starts a server in a sandbox, has it list all it has, and says what is wrong with it
               (docs/scan.md)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    $ mcpgw-agent run --help
    Runs the agent: watches the host, answers `status`, serves metrics.

    Prints what it attached and a line whenever a server appears, is confirmed or ends; under systemd,
    log lines.

    Usage: mcpgw-agent run [OPTIONS]

    Options:
          --config <F>
              Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent reload --help
    Has the running agent read its configuration and its policy anew; for root and the agent's own user.

    A file that cannot be used changes nothing: the one before stays in force, and what is wrong is said
    here.

    Usage: mcpgw-agent reload

    Options:
      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent status --help
    Lists the MCP servers running on this host and says which run outside the gateway.

    Root sees all servers, anyone else their own. Hidden without --all: servers that ended more than ten
    seconds ago, and processes that merely look like a server by the shape of their standard input and
    output.

    Usage: mcpgw-agent status [OPTIONS]

    Options:
          --json
              Print JSON (docs/status.md); with --watch one object a line

          --watch
              Refresh every second until interrupted; waits for the agent if there is none

          --all
              Show everything the agent remembers

          --fail-on <STATE>
              Exit with 3 if there is such a server

              Possible values:
              - unproxied: A running server with no gateway before it

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent doctor --help
    Shows which hooks this kernel grants, what each missing one costs, and what to do about it.

    Loads and attaches every probe for a moment; needs the rights `run` needs. Exits with 7 if any is
    missing.

    Usage: mcpgw-agent doctor [OPTIONS]

    Options:
          --json
              Print JSON

          --config <F>
              Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent config --help
    Looks after the configuration file

    Usage: mcpgw-agent config <COMMAND>

    Commands:
      check  Reads the configuration as `run` would and says what is wrong with it

    Options:
      -h, --help  Print help

    $ mcpgw-agent config check --help
    Reads the configuration as `run` would and says what is wrong with it

    Usage: mcpgw-agent config check [OPTIONS]

    Options:
          --config <F>  Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
      -h, --help        Print help

    $ mcpgw-agent policy --help
    Checks, tests, compares and explains policies

    Usage: mcpgw-agent policy <COMMAND>

    Commands:
      validate  Reads policies as the gateway would and says what is wrong with them, and what they most
                likely do not mean
      test      Puts the messages of scenario files before a policy and says where it does not do what
                they expect
      diff      Says what is different between two policies: every key, every rule, their order
      explain   Shows for one message which rules of a policy are looked at, and why each matches or
                does not

    Options:
      -h, --help  Print help

    $ mcpgw-agent policy validate --help
    Reads policies as the gateway would and says what is wrong with them, and what they most likely do
    not mean.

    Exits with 0 if all are valid, and with 1 if one is not. Warnings count only with `--strict`.

    Usage: mcpgw-agent policy validate [OPTIONS] <FILE>...

    Arguments:
      <FILE>...
              Policies

    Options:
          --strict
              Take warnings for errors

          --json
              Print JSON

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent policy test --help
    Puts the messages of scenario files before a policy and says where it does not do what they expect.

    Exits with 0 if all is as expected, and with 1 if anything is not, a file is wrong, or there are no
    scenarios. A rule's `mode` and `dry_run` make a difference only to what is carried out: scenarios
    look at what is decided.

    Usage: mcpgw-agent policy test [OPTIONS] <POLICY> [SCENARIOS]...

    Arguments:
      <POLICY>
              Policy, or a directory: every policy in it with its scenarios

      [SCENARIOS]...
              Scenario files [default: `x.test.yaml` beside `x.yaml`]

    Options:
          --json
              Print JSON

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent policy diff --help
    Says what is different between two policies: every key, every rule, their order.

    Where scenario files stand beside them, says which of their messages are now decided otherwise.
    Exits with 0 if the policies are the same, comments and layout aside, and with 1 if they are not or
    one is wrong.

    Usage: mcpgw-agent policy diff [OPTIONS] <OLD> <NEW>

    Arguments:
      <OLD>
              Policy as it was

      <NEW>
              Policy as it is now

    Options:
          --json
              Print JSON

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent policy explain --help
    Shows for one message which rules of a policy are looked at, and why each matches or does not.

    A message is JSON text, `@F` for the file F, or `-` for standard input.

    Usage: mcpgw-agent policy explain [OPTIONS] --message <M> <FILE>

    Arguments:
      <FILE>
              Policy

    Options:
          --message <M>
              The message

          --answers <M>
              The request it answers

          --direction <DIRECTION>
              Which way it goes [default: as messages of its method do]

              Possible values:
              - c2s: From the client
              - s2c: From the server

          --server <N>
              Name of the server [default: server]

          --upstream <URL>
              URL of the server

          --subject <S>
              Authenticated subject

          --role <R>
              Role of the subject; may be repeated

          --transport <TRANSPORT>
              How client and server talk [default: stdio]

              Possible values:
              - stdio: Standard input and output
              - http:  Streamable HTTP
              - sse:   HTTP with server-sent events

          --client <PATH>
              Path of the client's executable

          --revision <DATE>
              Revision of MCP, as `2025-11-25`

          --json
              Print JSON

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent wrap --help
    Runs an MCP server behind the gateway: put it before the server's command in the client's
    configuration.

    Passes bytes, signals and the exit code through unchanged, and tells the agent, so that the server
    is listed as proxied. Works without an agent, too.

    Usage: mcpgw-agent wrap [OPTIONS] -- <CMD>...

    Arguments:
      <CMD>...
              The server's command and its arguments

    Options:
          --name <N>
              Name to list the server by; the agent finds one itself otherwise

          --policy <F>
              Policy to enforce [default: everything passes and is recorded]

          --audit-log <F>
              File to record decisions in [default: one in $XDG_STATE_HOME/mcpgw/audit]

          --config <F>
              Configuration file; only its section `gateway` counts here [default: none]

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent hold --help
    Lists messages that policy holds for approval, and decides on them; for root and the agent's own
    user

    Usage: mcpgw-agent hold <COMMAND>

    Commands:
      list     Lists the messages that wait, oldest first
      approve  Lets a message pass. The policy is not asked again
      deny     Refuses a message

    Options:
      -h, --help  Print help

    $ mcpgw-agent hold list --help
    Lists the messages that wait, oldest first

    Usage: mcpgw-agent hold list [OPTIONS]

    Options:
          --json  Print JSON (docs/cli.md)
      -h, --help  Print help

    $ mcpgw-agent hold approve --help
    Lets a message pass. The policy is not asked again

    Usage: mcpgw-agent hold approve <ID>

    Arguments:
      <ID>  Its id, as `hold list` shows it

    Options:
      -h, --help  Print help

    $ mcpgw-agent hold deny --help
    Refuses a message

    Usage: mcpgw-agent hold deny <ID>

    Arguments:
      <ID>  Its id, as `hold list` shows it

    Options:
      -h, --help  Print help

    $ mcpgw-agent proxy --help
    Stands before an MCP server that is reached over HTTP, and decides on every message.

    Serves the endpoint at /mcp and at any other path. Prints the address it listens on, and ends on
    SIGTERM or SIGINT.

    Usage: mcpgw-agent proxy [OPTIONS] --upstream <URL>

    Options:
          --upstream <URL>
              The server's endpoint, as a client would be given it

          --listen <ADDR>
              Address to listen on; port 0 lets the system choose [default: 127.0.0.1:8080]

          --policy <F>
              Policy file [default: the configuration's, else everything passes and is recorded]

          --audit-log <F>
              File to record decisions in [default: the configuration's, else one in
              $XDG_STATE_HOME/mcpgw/audit]

          --name <N>
              The server's name in policies and records [default: the upstream's host]

          --config <F>
              Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]

          --tls-cert <F>
              Certificate chain to show clients, PEM

          --tls-key <F>
              Its private key, PEM

          --upstream-ca <F>
              Certificates to believe beside the system's, where the server speaks TLS, PEM

          --allow-host <HOST>
              Name clients may call this gateway by, beside its address

          --allow-origin <ORIGIN>
              Origin whose web pages may ask, beside the gateway's own

          --metrics <ADDR>
              Address to serve /metrics, /healthz and /readyz on; port 0 lets the system choose
              [default: nowhere]

          --expose
              Listen on more than loopback although nobody authenticates clients

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent audit --help
    Looks after audit logs

    Usage: mcpgw-agent audit <COMMAND>

    Commands:
      verify  Says whether audit logs are as they were written, and where they are not
      query   Lists records of an audit log, found by its index, which is brought up to date first
              (docs/audit-search.md)
      show    Shows the whole story of one decision: what was asked and answered, held and approved,
              found and decided, in which session, what it comes from and what came of it
      export  Writes records of an audit log as CSV or JSON lines, oldest first (docs/audit-search.md)
      tail    Shows the last records of an audit log, a line each, and with --follow those that are
              added
      index   Brings the index of an audit log up to date, as every search does (docs/audit-search.md)

    Options:
      -h, --help  Print help

    $ mcpgw-agent audit verify --help
    Says whether audit logs are as they were written, and where they are not.

    Several files are read in the order given; each may continue the one before. The key is that of
    --key-file, else the one in MCPGW_AUDIT_SIGNING_KEY, else the file `audit.key` beside the first log.
    Exits with 0 if all are valid, 9 if one was tampered with, 10 if one is signed with another key, 11
    if one was not closed: it is being written, its writer was killed, or its end was cut off.

    Usage: mcpgw-agent audit verify [OPTIONS] <FILE>...

    Arguments:
      <FILE>...
              The logs

    Options:
          --key-file <F>
              The file that has the key

          --json
              Print JSON (docs/audit-format.md)

      -h, --help
              Print help (see a summary with '-h')

    $ mcpgw-agent pins --help
    Lists, compares, approves and forgets what servers say about themselves (docs/detection/pins.md)

    Usage: mcpgw-agent pins <COMMAND>

    Commands:
      list     Lists the servers that are pinned, and how many of their definitions wait for approval
      diff     Shows what waits for approval: what changed, word by word, what is new, what is gone
      approve  Approves what a server says now, as `pins diff` shows it
      reset    Forgets what is pinned of a server: the next listing is a first one

    Options:
      -h, --help  Print help

    $ mcpgw-agent pins list --help
    Lists the servers that are pinned, and how many of their definitions wait for approval

    Usage: mcpgw-agent pins list [OPTIONS]

    Options:
          --dir <D>  The directory of the pins [default: /var/lib/mcpgw/pins for root, else
                     $XDG_STATE_HOME/mcpgw/pins]
          --json     Print JSON (docs/detection/pins.md)
      -h, --help     Print help

    $ mcpgw-agent pins diff --help
    Shows what waits for approval: what changed, word by word, what is new, what is gone

    Usage: mcpgw-agent pins diff [OPTIONS] [SERVER]

    Arguments:
      [SERVER]  A server, by its name or the first digits of its hash [default: all]

    Options:
          --dir <D>  The directory of the pins [default: /var/lib/mcpgw/pins for root, else
                     $XDG_STATE_HOME/mcpgw/pins]
          --json     Print JSON (docs/detection/pins.md)
      -h, --help     Print help

    $ mcpgw-agent pins approve --help
    Approves what a server says now, as `pins diff` shows it

    Usage: mcpgw-agent pins approve [OPTIONS] <SERVER> [NAME]

    Arguments:
      <SERVER>  The server, by its name or the first digits of its hash
      [NAME]    Only the definitions of this name

    Options:
          --all      All that waits
          --dir <D>  The directory of the pins [default: /var/lib/mcpgw/pins for root, else
                     $XDG_STATE_HOME/mcpgw/pins]
      -h, --help     Print help

    $ mcpgw-agent pins reset --help
    Forgets what is pinned of a server: the next listing is a first one

    Usage: mcpgw-agent pins reset [OPTIONS] <SERVER>

    Arguments:
      <SERVER>  The server, by its name or the first digits of its hash

    Options:
          --dir <D>  The directory of the pins [default: /var/lib/mcpgw/pins for root, else
                     $XDG_STATE_HOME/mcpgw/pins]
      -h, --help     Print help

    $ mcpgw-agent scan --help
    Starts a server in a sandbox, has it list all it has, and says what is wrong with it (docs/scan.md).

    It has no network unless told, sees none of the environment's secrets, and no tool of it is called.

    Usage: mcpgw-agent scan [OPTIONS] <URL|--all|CMD>

    Arguments:
      [URL]
              The server's endpoint, where it is reached over HTTP

      [CMD]...
              The server's command and its arguments

    Options:
          --all
              All servers in the configuration files of this user's MCP clients

          --project
              With --all, those of the project in this directory, too

          --json
              Print JSON (docs/scan.md)

          --sarif
              Print SARIF 2.1.0

          --fail-on <SEVERITY>
              Exit with 12 where anything is of this severity or worse: low, medium, high, critical

          --timeout <S>
              Seconds a server has for all of it [default: 30]

          --network
              Let the server use the network

          --no-sandbox
              Start the server without a sandbox, where the kernel refuses one

          --env <NAME>
              Give the server this variable of the environment

          --token-env <NAME>
              Variable with the token for the header Authorization, where it is reached over HTTP

          --reputation
              Ask npm and PyPI about the package

          --pins <D>
              The directory of the pins [default: /var/lib/mcpgw/pins for root, else
              $XDG_STATE_HOME/mcpgw/pins]

          --pin
              Pin what is listed, where nothing is pinned yet

      -h, --help
              Print help (see a summary with '-h')
    "###);
}

#[test]
fn the_version() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--version"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        concat!("mcpgw-agent ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
