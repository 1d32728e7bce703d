//! In which ways databases tell quotes and comments from statements.

/// A set of the ways in which a database departs from the plainest one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Dialect(u16);

impl Dialect {
    /// A backslash in quotes takes the next character as it is.
    pub(super) const ESCAPES: Self = Self(1);
    /// It does so in `E''` alone.
    pub(super) const E_QUOTES: Self = Self(1 << 1);
    /// `--` begins a comment only before a blank.
    pub(super) const STRICT_DASHES: Self = Self(1 << 2);
    /// `#` begins a comment.
    pub(super) const HASHES: Self = Self(1 << 3);
    /// `$$` and `$tag$` are quotes; elsewhere what they hold is read as a part of
    /// the text, so that the bodies of functions are.
    pub(super) const DOLLARS: Self = Self(1 << 4);
    /// A comment may stand in a comment.
    pub(super) const NESTED: Self = Self(1 << 5);
    /// What stands in `/*! */` is run.
    pub(super) const RUN_COMMENTS: Self = Self(1 << 6);
    /// `[]` are quotes of names.
    pub(super) const BRACKETS: Self = Self(1 << 7);
    /// A backtick is a quote of names.
    pub(super) const TICKS: Self = Self(1 << 8);
    /// A carriage return ends a comment.
    pub(super) const RETURNS: Self = Self(1 << 9);

    /// The dialects that a text may be written in.
    const ALL: [Self; 7] = [
        // Any, where bodies of functions are looked into.
        Self::TICKS.and(Self::RUN_COMMENTS),
        // PostgreSQL.
        Self::E_QUOTES
            .and(Self::DOLLARS)
            .and(Self::NESTED)
            .and(Self::RETURNS),
        // MySQL and MariaDB, with escapes and without.
        Self::MYSQL.and(Self::ESCAPES),
        Self::MYSQL,
        // SQLite, and SQL Server.
        Self::TICKS.and(Self::BRACKETS),
        Self::BRACKETS.and(Self::NESTED),
        // Snowflake, BigQuery, ClickHouse and others of their kind.
        Self::ESCAPES
            .and(Self::HASHES)
            .and(Self::DOLLARS)
            .and(Self::TICKS),
    ];
    const MYSQL: Self = Self::STRICT_DASHES
        .and(Self::HASHES)
        .and(Self::RUN_COMMENTS)
        .and(Self::TICKS);

    /// Returns the dialects that may read `text` differently.
    pub(super) fn of(text: &str) -> Vec<Self> {
        let signs = [
            ("\\", Self::ESCAPES.and(Self::E_QUOTES)),
            ("--", Self::STRICT_DASHES),
            ("#", Self::HASHES),
            ("$", Self::DOLLARS),
            ("/*", Self::NESTED.and(Self::RUN_COMMENTS)),
            ("*/", Self::RUN_COMMENTS),
            ("[", Self::BRACKETS),
            ("`", Self::TICKS),
            ("\r", Self::RETURNS),
        ];
        let shown = signs.iter().filter(|(sign, _)| text.contains(sign));
        let shown = shown.fold(Self(0), |all, (_, way)| all.and(*way));
        let mut dialects: Vec<Self> = Vec::new();
        for dialect in Self::ALL {
            let is_new = |it: &Self| it.0 & shown.0 != dialect.0 & shown.0;
            if dialects.iter().all(is_new) {
                dialects.push(dialect);
            }
        }
        dialects
    }

    pub(super) fn has(self, way: Self) -> bool {
        self.0 & way.0 != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
