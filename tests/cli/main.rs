//! The command line as a user meets it: the real program, its output and its exit codes. An agent is played by
//! the real control socket with a made-up status behind it.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod effects;
mod errors;
#[cfg(test)]
mod help;
#[cfg(test)]
#[path = "../support/install.rs"]
mod install;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod program;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod search;
#[cfg(test)]
mod status;
