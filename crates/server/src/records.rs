//! Records of the log, read a few at a time.

use std::collections::VecDeque;

use aegis_log::{Log, Placed, Query, ReadLogError, Walk};

/// How many records are read at a time.
const READ_MAX: usize = 64;

/// The records that answer a query beyond a place, the nearest first.
///
/// They are read in parts that double, beginning with one record: whoever stops
/// because a few were large enough has not read many more for nothing.
pub(crate) struct Records<'a> {
    log: &'a dyn Log,
    query: Query<'a>,
    walk: Walk,
    found: VecDeque<Placed>,
    given: usize,
    has_more: bool,
}

impl<'a> Records<'a> {
    /// Returns those of `log` that answer `query`, as many as it has for a limit.
    pub(crate) const fn of(log: &'a dyn Log, query: Query<'a>, walk: Walk) -> Self {
        Self {
            log,
            query,
            walk,
            found: VecDeque::new(),
            given: 0,
            has_more: true,
        }
    }

    /// Returns the next one.
    pub(crate) fn next(&mut self) -> Result<Option<Placed>, ReadLogError> {
        if self.found.is_empty() && self.has_more {
            let limit = self.given.clamp(1, READ_MAX);
            let limit = limit.min(self.query.limit.saturating_sub(self.given));
            let query = Query {
                limit,
                ..self.query
            };
            self.found = self.log.walk(&query, self.walk)?.into();
            self.has_more = limit > 0 && self.found.len() == limit;
        }
        let Some(next) = self.found.pop_front() else {
            return Ok(None);
        };
        self.walk = match self.walk {
            Walk::After(_) => Walk::After(next.place),
            Walk::Before(_) => Walk::Before(next.place),
        };
        self.given += 1;
        Ok(Some(next))
    }
}
