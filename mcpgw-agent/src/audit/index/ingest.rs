//! Records into tables.

use std::collections::HashMap;
use std::io;

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::lines::Packer;
use super::sets::{Members, place};
use crate::audit::query::{Facet, StoredRecord, Texts, WORDS_INSERT};

/// Names whose numbers are remembered.
const NAMES_MAX: usize = 50_000;
/// Ids of one record that are kept: its own, its request's, that of what was held, and sixteen origins. A hostile line may
/// have more.
const IDS_MAX: usize = 32;
/// Facets of one record that are kept.
const FACETS_MAX: usize = 256;

/// What is remembered between records, and between the transactions of one process.
pub(super) struct Ingest {
    packer: Packer,
    texts: Texts,
    names: HashMap<(Facet, Box<str>), i64>,
    /// The sets of the block that is being filled, and whether each has changed.
    open: HashMap<i64, (Members, bool)>,
    block: u64,
    /// When the block's first and last record were written, as far as known.
    span: Option<(i64, i64)>,
}

/// The statements of one transaction.
pub(super) struct Statements<'c> {
    record: CachedStatement<'c>,
    words: CachedStatement<'c>,
    id: CachedStatement<'c>,
    name: CachedStatement<'c>,
    new_name: CachedStatement<'c>,
    members: CachedStatement<'c>,
    new_members: CachedStatement<'c>,
    span: CachedStatement<'c>,
    new_span: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let prepare = |sql| connection.prepare_cached(sql);
        Ok(Self {
            record: prepare("INSERT INTO records VALUES (?1, ?2, ?3)")?,
            words: prepare(WORDS_INSERT)?,
            id: prepare("INSERT OR IGNORE INTO ids VALUES (?1, ?2)")?,
            name: prepare("SELECT id FROM names WHERE facet = ?1 AND text = ?2")?,
            new_name: prepare("INSERT INTO names(facet, text) VALUES (?1, ?2)")?,
            members: prepare("SELECT members FROM facets WHERE name = ?1 AND block = ?2")?,
            new_members: prepare("INSERT OR REPLACE INTO facets VALUES (?1, ?2, ?3)")?,
            span: prepare("SELECT first, last FROM spans WHERE block = ?1")?,
            new_span: prepare("INSERT OR REPLACE INTO spans VALUES (?1, ?2, ?3)")?,
        })
    }
}

/// A record cannot be added.
#[derive(Debug, thiserror::Error)]
pub(super) enum IngestError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Compression(#[from] io::Error),
    #[error("a set of records cannot be read")]
    Members,
}

impl Ingest {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            packer: Packer::new()?,
            texts: Texts::default(),
            names: HashMap::new(),
            open: HashMap::new(),
            block: 0,
            span: None,
        })
    }

    /// Forgets what is in the database: another process has changed it.
    pub(super) fn forget(&mut self) {
        self.names.clear();
        self.open.clear();
        (self.block, self.span) = (0, None);
    }

    /// Adds a record; its number is greater than any before. A record without a time or that cannot be read is not added.
    pub(super) fn add(
        &mut self,
        statements: &mut Statements<'_>,
        record: &StoredRecord,
    ) -> Result<(), IngestError> {
        let seq = record.seq();
        let number = i64::try_from(seq).unwrap_or(i64::MAX);
        let (block, place) = place(seq);
        if block != self.block {
            self.save(statements)?;
            self.open.clear();
            (self.block, self.span) = (block, None);
        }
        let time = record.time().as_microsecond();
        statements.record.execute((number, time, self.packer.pack(record.line().as_bytes())?))?;
        self.texts.read(record);
        let [names, arguments, reason, error, findings] = &self.texts.0;
        statements.words.execute((number, names, arguments, reason, error, findings))?;
        let (mut ids, mut facets) = (Vec::new(), Vec::new());
        record.decisions(|id| {
            if ids.len() < IDS_MAX && !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        });
        for id in ids {
            statements.id.execute((id, number))?;
        }
        record.facets(|facet, text| {
            if facets.len() < FACETS_MAX {
                facets.push((facet, Box::from(text)));
            }
        });
        for (facet, text) in facets {
            let name = self.name(statements, facet, text)?;
            self.member(statements, name, place)?;
        }
        self.extend(statements, time)
    }

    /// Writes what has changed of the block that is being filled.
    pub(super) fn save(&mut self, statements: &mut Statements<'_>) -> Result<(), IngestError> {
        let block = i64::try_from(self.block).unwrap_or(i64::MAX);
        for (name, (members, changed)) in &mut self.open {
            if std::mem::take(changed) {
                statements.new_members.execute((*name, block, members.encode()))?;
            }
        }
        if let Some((first, last)) = self.span {
            statements.new_span.execute((block, first, last))?;
        }
        Ok(())
    }

    fn name(
        &mut self,
        statements: &mut Statements<'_>,
        facet: Facet,
        text: Box<str>,
    ) -> Result<i64, IngestError> {
        let key = (facet, text);
        if let Some(name) = self.names.get(&key) {
            return Ok(*name);
        }
        let there = statements.name.query_row((facet.number(), &*key.1), |row| row.get(0)).optional()?;
        let name = match there {
            Some(name) => name,
            None => statements.new_name.insert((facet.number(), &*key.1))?,
        };
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.insert(key, name);
        Ok(name)
    }

    fn member(&mut self, statements: &mut Statements<'_>, name: i64, place: u16) -> Result<(), IngestError> {
        let block = i64::try_from(self.block).unwrap_or(i64::MAX);
        if let Some((members, changed)) = self.open.get_mut(&name) {
            members.push(place);
            *changed = true;
            return Ok(());
        }
        let there: Option<Vec<u8>> =
            statements.members.query_row((name, block), |row| row.get(0)).optional()?;
        let mut members = match there {
            Some(members) => Members::decode(&members).ok_or(IngestError::Members)?,
            None => Members::default(),
        };
        members.push(place);
        self.open.insert(name, (members, true));
        Ok(())
    }

    fn extend(&mut self, statements: &mut Statements<'_>, time: i64) -> Result<(), IngestError> {
        let block = i64::try_from(self.block).unwrap_or(i64::MAX);
        let (first, last) = match self.span {
            Some(span) => span,
            None => {
                let there = statements.span.query_row([block], |row| Ok((row.get(0)?, row.get(1)?)));
                there.optional()?.unwrap_or((time, time))
            }
        };
        self.span = Some((first.min(time), last.max(time)));
        Ok(())
    }
}
