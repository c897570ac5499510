//! Columns that fit the terminal. Cells are cleaned on the way in; widths are those of the characters shown.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Width, presets};

use crate::cli::text::{Line, Style, clean};

/// No character of any cell: with it as word delimiter, cells are cut anywhere.
const NOWHERE: char = '\u{1}';

/// A table under construction.
#[derive(Debug)]
pub(in crate::cli) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// How a column shares the room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Share {
    /// As wide as its widest cell.
    Whole,
    /// At most so wide.
    UpTo(u16),
    /// What is left.
    Rest,
}

impl Table {
    pub(in crate::cli) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub(in crate::cli) fn row(&mut self, cells: &[&str]) {
        self.rows.push(cells.iter().map(|cell| clean(cell).into_owned()).collect());
    }

    /// One line a row, cells cut with `…` to fit `width`; nothing is cut without one.
    pub(in crate::cli) fn cut(&self, width: Option<u16>, shares: &[Share]) -> Vec<String> {
        let mut table = self.base(width);
        table.set_delimiter(NOWHERE);
        if width.is_some() {
            for (column, share) in table.column_iter_mut().zip(shares) {
                match share {
                    Share::Whole => column.set_constraint(ColumnConstraint::ContentWidth),
                    Share::UpTo(most) => {
                        // Padding counts.
                        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(
                            most.saturating_add(2),
                        )))
                    }
                    Share::Rest => column,
                };
            }
        }
        trimmed(&table)
    }

    /// Cells broken into lines at words to fit `width`.
    pub(in crate::cli) fn wrapped(&self, width: Option<u16>) -> Vec<Line> {
        let mut table = self.base(width);
        // Names and states are short and are searched for: they stay whole.
        for column in table.column_iter_mut().take(2) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        for row in table.row_iter_mut() {
            row.max_height(usize::MAX);
        }
        let mut lines = trimmed(&table).into_iter();
        let header = lines.next().map(|line| Line::styled(Style::Bold, &line));
        header.into_iter().chain(lines.map(|line| Line::plain(&line))).collect()
    }

    fn base(&self, width: Option<u16>) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_truncation_indicator("…");
        table.set_header(self.header.clone());
        for cells in &self.rows {
            let mut row = Row::from(cells.clone());
            row.max_height(1);
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        match width {
            // The last column's padding may stand out.
            Some(width) => {
                table.set_width(width.saturating_add(2)).set_content_arrangement(ContentArrangement::Dynamic)
            }
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        table
    }
}

fn trimmed(table: &comfy_table::Table) -> Vec<String> {
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
