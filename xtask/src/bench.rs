//! x
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_: &crate::workspace::Workspace, _: &Args) -> anyhow::Result<()> {
    Ok(())
}
