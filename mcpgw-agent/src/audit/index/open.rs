//! The index' file: made for its owner alone, opened with care, thrown away where it is broken.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::IndexError;
use crate::audit::place::dir_of;
use crate::audit::query;
use crate::private::{check_private, open_private};

/// Marks our databases: `mcgi`.
const APPLICATION: i32 = 0x6d63_6769;
/// Changes with everything that is written otherwise.
pub(super) const VERSION: i32 = 1;
/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(20);
/// Kibibytes of the database that are kept in memory.
const CACHE_KIB: i32 = 64 << 10;

/// Tables. `facets` and `ids` lead from what records have to their numbers, `words` from words, `spans` from times.
const SCHEMA: &str = "
    CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, hash BLOB, offset INTEGER,
        unreadable INTEGER, epoch INTEGER);
    INSERT INTO cursor VALUES (1, 0, x'', 0, 0, random());
    CREATE TABLE records (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, line BLOB NOT NULL);
    CREATE TABLE spans (block INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
    CREATE TABLE names (id INTEGER PRIMARY KEY, facet INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (facet, text));
    CREATE TABLE facets (name INTEGER, block INTEGER, members BLOB NOT NULL, PRIMARY KEY (name, block)) WITHOUT ROWID;
    CREATE TABLE ids (id TEXT, seq INTEGER, PRIMARY KEY (id, seq)) WITHOUT ROWID;
";

/// Where the index of `log` is: beside it.
#[must_use]
pub fn index_path(log: &Path) -> PathBuf {
    let mut name = log.file_stem().unwrap_or_default().to_owned();
    name.push(".index.sqlite");
    log.with_file_name(name)
}

/// Opens the index at `path`, and makes an empty one where there is none or one of another version; says which version
/// that was. `owner` is whose log it is.
pub(super) fn open(path: &Path, owner: Option<(u32, u32)>) -> Result<(Connection, Option<i32>), IndexError> {
    let deadline = Instant::now() + PATIENCE;
    // One at a time: of two that make it the second finds it made.
    let dir = lock(path, deadline)?;
    make(path, owner)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    let failed = IndexError::database(path);
    let mut connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    let version = prepare(&mut connection).map_err(&failed)?;
    drop(dir);
    match version {
        Prepared::Ready => Ok((connection, None)),
        Prepared::Other(version) => Ok((connection, Some(version))),
        Prepared::Foreign => Err(IndexError::Foreign { path: path.to_owned() }),
        Prepared::Newer => Err(IndexError::Newer { path: path.to_owned() }),
    }
}

enum Prepared {
    Ready,
    Other(i32),
    Newer,
    Foreign,
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<Prepared> {
    connection.busy_timeout(PATIENCE)?;
    // What stands in the file is data, whoever wrote it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let found =
        |connection: &Connection, pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let (application, version): (i32, i32) =
        (found(connection, "application_id")?, found(connection, "user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Ok(Prepared::Foreign);
    }
    if version > VERSION {
        return Ok(Prepared::Newer);
    }
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    if version == VERSION && tables > 0 {
        return Ok(Prepared::Ready);
    }
    reset(connection)?;
    Ok(if tables > 0 { Prepared::Other(version) } else { Prepared::Ready })
}

/// Empties the index, whatever is in it, in one step for everybody who reads it.
pub(super) fn reset(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: Vec<String> = transaction
        .prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             AND name NOT LIKE 'words_%'",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        transaction.execute_batch(&format!("DROP TABLE \"{}\"", table.replace('"', "\"\"")))?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(query::WORDS_TABLE)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Throws the index at `path` away, unless somebody did so since it was `broken`, by its inode.
pub(super) fn discard(path: &Path, broken: Option<u64>) -> Result<(), IndexError> {
    let dir = lock(path, Instant::now() + PATIENCE)?;
    if broken.is_none() || inode(path) == broken {
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            match fs::remove_file(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(IndexError::io("remove the damaged index", Path::new(&file)))?,
            }
        }
    }
    drop(dir);
    Ok(())
}

/// Tells one file at `path` from another.
pub(super) fn inode(path: &Path) -> Option<u64> {
    path.symlink_metadata().ok().map(|metadata| metadata.ino())
}

/// Locks the directory of `path`, so that nobody throws away what another has just made.
fn lock(path: &Path, deadline: Instant) -> Result<File, IndexError> {
    let dir = dir_of(path);
    let file = File::open(dir).map_err(IndexError::io("open", dir))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(IndexError::io("lock", dir)(io::ErrorKind::WouldBlock.into()));
            }
            Err(fs::TryLockError::Error(error)) => return Err(IndexError::io("lock", dir)(error)),
        }
    }
}

/// Makes the file where there is none, and looks at the one there is.
fn make(path: &Path, owner: Option<(u32, u32)>) -> Result<(), IndexError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    match open_private(&mut options, path) {
        Ok(file) => {
            if let Some((uid, gid)) = owner.filter(|(uid, _)| nix::unistd::geteuid().is_root() && *uid != 0) {
                // A user's log is the user's to search, whoever was first.
                std::os::unix::fs::fchown(&file, Some(uid), Some(gid))
                    .map_err(IndexError::io("give away", path))?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata = path.symlink_metadata().map_err(IndexError::io("look at", path))?;
            let is_root = nix::unistd::geteuid().is_root();
            // Root may use what belongs to the log's owner.
            let theirs = is_root && metadata.is_file() && owner.is_some_and(|(uid, _)| uid == metadata.uid());
            if theirs && metadata.mode() & 0o077 == 0 {
                return Ok(());
            }
            check_private(&metadata, 0o077).map_err(|why| IndexError::Unsafe { path: path.to_owned(), why })
        }
        Err(error) => Err(IndexError::io("make", path)(error)),
    }
}
