//! The records a filter wants, by way of what they have in common.
//!
//! What a filter asks for leads to sets of numbers, block by block; what is in all of them is read, and looked at once more
//! by the filter itself. So the index can only fail to find, and what it finds is what a reader of the whole log finds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection};

use super::Index;
use super::error::IndexError;
use super::lines::Unpacker;
use super::sets::{BLOCK, Bits, place};
use crate::audit::query::{Facet, Filter, Pattern, StoredRecord};

/// Which records come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those with the smallest numbers.
    Oldest,
    /// Those with the greatest.
    Newest,
}

/// Sets of numbers, by block.
type Sets = BTreeMap<i64, Bits>;

/// Numbers from, to, and which of them; all where nothing is said.
struct Stretch {
    from: i64,
    to: i64,
    only: Option<Bits>,
}

/// Why a search ends.
enum Stop {
    Database(rusqlite::Error),
    Damaged(&'static str),
    Enough,
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Index {
    /// Calls `each` with every record that `filter` wants, in `order`, until it has enough. What is added meanwhile is not
    /// seen.
    ///
    /// # Errors
    /// [`IndexError`]; where it is damage, `each` may have been called with some records.
    pub fn search(
        &self,
        filter: &Filter,
        order: Order,
        each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
    ) -> Result<(), IndexError> {
        let failed = IndexError::database(&self.path);
        let unpacker = Unpacker::new().map_err(IndexError::io("decompress from", &self.path))?;
        let search = Search::new(&self.connection, filter, order, unpacker);
        match search.and_then(|mut search| search.run(each)) {
            Ok(()) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Damaged(what)) => Err(self.damaged(what)),
            Err(Stop::Database(error)) => Err(failed(error)),
        }
    }
}

struct Search<'s> {
    connection: &'s Connection,
    filter: &'s Filter,
    order: Order,
    line: CachedStatement<'s>,
    unpacker: Unpacker,
}

impl<'s> Search<'s> {
    fn new(
        connection: &'s Connection,
        filter: &'s Filter,
        order: Order,
        unpacker: Unpacker,
    ) -> Result<Self, Stop> {
        let line = connection.prepare_cached("SELECT line FROM records WHERE seq = ?1")?;
        Ok(Self { connection, filter, order, line, unpacker })
    }

    fn run(&mut self, each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>) -> Result<(), Stop> {
        let sets = self.sets()?;
        let mut stretches = self.stretches(sets)?;
        if self.order == Order::Newest {
            stretches.reverse();
        }
        for stretch in stretches {
            match (&self.filter.words, stretch.only) {
                (None, Some(only)) => self.listed(stretch.from, &only, each)?,
                (None, None) => self.numbers(SEQS, &[&stretch.from, &stretch.to], each)?,
                (Some(words), None) => {
                    self.numbers(WORDS, &[&stretch.from, &stretch.to, &words.expression()], each)?;
                }
                (Some(words), Some(mut only)) => {
                    let mut found = Bits::none();
                    let mut statement = self.connection.prepare_cached(WORDS.0)?;
                    let mut rows = statement.query((stretch.from, stretch.to, words.expression()))?;
                    while let Some(row) = rows.next()? {
                        found.insert(place(row.get::<_, i64>(0)?.unsigned_abs()).1);
                    }
                    only.keep(&found);
                    self.listed(stretch.from, &only, each)?;
                }
            }
        }
        Ok(())
    }

    /// The records of a block whose places are in `only`.
    fn listed(
        &mut self,
        from: i64,
        only: &Bits,
        each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        let start = place(from.unsigned_abs()).0 * BLOCK;
        let seqs = only.places().map(|place| i64::try_from(start + place).unwrap_or(i64::MAX));
        match self.order {
            Order::Oldest => seqs.filter(|seq| *seq >= from).try_for_each(|seq| self.record(seq, each)),
            Order::Newest => seqs.rev().filter(|seq| *seq >= from).try_for_each(|seq| self.record(seq, each)),
        }
    }

    /// The records whose numbers a statement gives.
    fn numbers(
        &mut self,
        statements: (&str, &str),
        parameters: &[&dyn rusqlite::ToSql],
        each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        let sql = if self.order == Order::Oldest { statements.0 } else { statements.1 };
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            self.record(row.get(0)?, each)?;
        }
        Ok(())
    }

    /// Gives record `seq` to `each`, if the filter wants it.
    fn record(
        &mut self,
        seq: i64,
        each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        let packed: Vec<u8> = match self.line.query_row([seq], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => return Err(Stop::Damaged("a record is missing")),
            packed => packed?,
        };
        let line =
            self.unpacker.unpack(&packed).ok().ok_or(Stop::Damaged("a record cannot be decompressed"))?;
        let record = StoredRecord::read(&line).filter(|record| record.seq() == seq.unsigned_abs());
        let record = record.ok_or(Stop::Damaged("a record is another"))?;
        match self.filter.matches_but_words(&record) && each(record).is_break() {
            true => Err(Stop::Enough),
            false => Ok(()),
        }
    }

    /// The numbers of which each has all that is asked for, times and words aside; `None` where nothing is.
    fn sets(&self) -> Result<Option<Sets>, Stop> {
        let mut all: Option<Sets> = None;
        for (facet, patterns) in &self.filter.facets {
            let sets = self.facet(*facet, patterns)?;
            all = Some(both(all, sets));
        }
        if let Some(decision) = &self.filter.decision {
            all = Some(both(all, self.decision(decision)?));
        }
        Ok(all)
    }

    fn facet(&self, facet: Facet, patterns: &[Pattern]) -> Result<Sets, Stop> {
        let mut names: Vec<i64> = Vec::new();
        let mut one =
            self.connection.prepare_cached("SELECT id FROM names WHERE facet = ?1 AND text = ?2")?;
        let mut all = self.connection.prepare_cached("SELECT id, text FROM names WHERE facet = ?1")?;
        for pattern in patterns {
            match pattern {
                Pattern::Text(text) => {
                    let mut rows = one.query((facet.number(), text))?;
                    while let Some(row) = rows.next()? {
                        names.push(row.get(0)?);
                    }
                }
                Pattern::Glob(_) => {
                    let mut rows = all.query([facet.number()])?;
                    while let Some(row) = rows.next()? {
                        if pattern
                            .matches(row.get_ref(1)?.as_str().ok().ok_or(Stop::Damaged("a name is no text"))?)
                        {
                            names.push(row.get(0)?);
                        }
                    }
                }
            }
        }
        let mut sets = Sets::new();
        let mut members =
            self.connection.prepare_cached("SELECT block, members FROM facets WHERE name = ?1")?;
        for name in names {
            let mut rows = members.query([name])?;
            while let Some(row) = rows.next()? {
                let bits = sets.entry(row.get(0)?).or_insert_with(Bits::none);
                let members = row.get_ref(1)?.as_blob().ok().and_then(|members| bits.add(members));
                members.ok_or(Stop::Damaged("a set of records is none"))?;
            }
        }
        Ok(sets)
    }

    fn decision(&self, beginning: &str) -> Result<Sets, Stop> {
        // No text in UTF-8 has a byte of 255.
        let sql = "SELECT seq FROM ids WHERE id >= ?1 AND id < ?1 || CAST(x'ff' AS TEXT)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([beginning])?;
        let mut sets = Sets::new();
        while let Some(row) = rows.next()? {
            let (block, place) = place(row.get::<_, i64>(0)?.unsigned_abs());
            let block = i64::try_from(block).unwrap_or(i64::MAX);
            sets.entry(block).or_insert_with(Bits::none).insert(place);
        }
        Ok(sets)
    }

    /// Where to look: blocks that are in time and have candidates. Blocks of which everything counts are one stretch.
    fn stretches(&self, sets: Option<Sets>) -> Result<Vec<Stretch>, Stop> {
        let lowest = "SELECT coalesce(min(seq), 0) FROM records";
        let lowest: i64 = self.connection.query_row(lowest, [], |row| row.get(0))?;
        let since = self.filter.since.map_or(i64::MIN, jiff::Timestamp::as_microsecond);
        let until = self.filter.until.map_or(i64::MAX, jiff::Timestamp::as_microsecond);
        let mut spans = self.connection.prepare_cached(
            "SELECT block, first, last FROM spans WHERE last >= ?1 AND first <= ?2 ORDER BY block",
        )?;
        let mut rows = spans.query([since, until])?;
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut sets = sets;
        while let Some(row) = rows.next()? {
            let (block, first, last): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let mut only = match &mut sets {
                None => None,
                Some(sets) => match sets.remove(&block) {
                    Some(bits) if !bits.is_empty() => Some(bits),
                    Some(_) | None => continue,
                },
            };
            let size = i64::try_from(BLOCK).unwrap_or(i64::MAX);
            let start = block.saturating_mul(size);
            let (from, to) = (start.max(lowest), start.saturating_add(size - 1));
            if first < since || last >= until {
                let in_time = self.in_time(from, to, since, until)?;
                match &mut only {
                    Some(only) => only.keep(&in_time),
                    None => only = Some(in_time),
                }
            }
            match stretches.last_mut() {
                Some(before) if before.only.is_none() && only.is_none() && before.to + 1 == from => {
                    before.to = to
                }
                _ => stretches.push(Stretch { from, to, only }),
            }
        }
        Ok(stretches)
    }

    /// Which records of a block were written between two times.
    fn in_time(&self, from: i64, to: i64, since: i64, until: i64) -> Result<Bits, Stop> {
        let sql = "SELECT seq FROM records WHERE seq BETWEEN ?1 AND ?2 AND time BETWEEN ?3 AND ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([from, to, since, until])?;
        let mut bits = Bits::none();
        while let Some(row) = rows.next()? {
            bits.insert(place(row.get::<_, i64>(0)?.unsigned_abs()).1);
        }
        Ok(bits)
    }
}

/// Numbers of records, in both orders.
const SEQS: (&str, &str) = (
    "SELECT seq FROM records WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    "SELECT seq FROM records WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq DESC",
);
/// Numbers of records that have words, in both orders.
const WORDS: (&str, &str) = (
    "SELECT rowid FROM words WHERE rowid BETWEEN ?1 AND ?2 AND words MATCH ?3 ORDER BY rowid",
    "SELECT rowid FROM words WHERE rowid BETWEEN ?1 AND ?2 AND words MATCH ?3 ORDER BY rowid DESC",
);

/// What is in both.
fn both(all: Option<Sets>, mut sets: Sets) -> Sets {
    let Some(all) = all else { return sets };
    sets.retain(|block, bits| match all.get(block) {
        Some(other) => {
            bits.keep(other);
            !bits.is_empty()
        }
        None => false,
    });
    sets
}
