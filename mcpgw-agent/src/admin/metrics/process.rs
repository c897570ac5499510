//! The agent as a process: CPU, memory, descriptors, start time, under the names every Prometheus client
//! library uses. The prometheus crate's own collector would bring a second, older procfs.

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, WithCurrentSystemInfo};
use prometheus::{Counter, Registry};

use super::{add, add_gauge};

/// One reading of `/proc/self`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessSample {
    /// User and system time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory.
    pub resident_bytes: f64,
    /// Address space.
    pub virtual_bytes: f64,
    /// Open descriptors.
    pub open_fds: f64,
    /// Descriptors allowed; infinite where there is no limit.
    pub max_fds: f64,
    /// Threads.
    pub threads: f64,
    /// When the process started, in seconds since 1970.
    pub start_seconds: f64,
}

impl ProcessSample {
    /// Reads this process.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn take() -> ProcResult<Self> {
        let myself = Process::myself()?;
        let stat = myself.stat()?;
        let ticks = float(procfs::ticks_per_second());
        Ok(Self {
            cpu_seconds: float(stat.utime.saturating_add(stat.stime)) / ticks,
            resident_bytes: float(stat.rss_bytes().get()),
            virtual_bytes: float(stat.vsize),
            open_fds: float(u64::try_from(myself.fd_count()?).unwrap_or(u64::MAX)),
            max_fds: match myself.limits()?.max_open_files.soft_limit {
                LimitValue::Unlimited => f64::INFINITY,
                LimitValue::Value(value) => float(value),
            },
            threads: float(u64::try_from(stat.num_threads).unwrap_or_default()),
            start_seconds: float(procfs::boot_time_secs()?) + float(stat.starttime) / ticks,
        })
    }

    pub(super) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let cpu = Counter::new("process_cpu_seconds_total", "User and system CPU time spent.")?;
        cpu.inc_by(self.cpu_seconds);
        add(registry, cpu)?;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Resident memory.", self.resident_bytes),
            ("process_virtual_memory_bytes", "Address space.", self.virtual_bytes),
            ("process_open_fds", "Open file descriptors.", self.open_fds),
            ("process_max_fds", "Open file descriptors allowed.", self.max_fds),
            ("process_threads", "Threads.", self.threads),
            ("process_start_time_seconds", "Start time, in seconds since 1970.", self.start_seconds),
        ] {
            add_gauge(registry, name, help, value)?;
        }
        Ok(())
    }
}

/// As near as a float comes: Prometheus knows no other number.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_reads_sensibly() {
        let sample = ProcessSample::take().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!(sample.start_seconds <= now + 1.0, "{sample:?}, now {now}");
        assert!(
            sample.resident_bytes > 100_000.0 && sample.virtual_bytes >= sample.resident_bytes,
            "{sample:?}"
        );
        assert!(sample.open_fds >= 3.0 && sample.open_fds <= sample.max_fds, "{sample:?}");
        assert!(sample.threads >= 1.0);
    }
}
