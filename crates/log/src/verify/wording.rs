//! What faults are called where people read of them.

use std::fmt;

use aegis_types::ChainId;

use super::report::{Column, Fault};

const ANCHOR_PRUNED: &str = "was pruned, so nothing can be held against its anchor";

const PRUNING_UNANCHORED: &str = "says that records were pruned after the newest head that was \
    kept elsewhere; nothing vouches for it: verify with the head that `aegis log prune` printed";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { chain, seq } => record(f, chain, *seq, "was edited"),
            Self::Unreadable { chain, seq, cause } => {
                record(f, chain, *seq, &format!("is unreadable: {cause}"))
            }
            Self::NotCanonical { chain, seq } => record(f, chain, *seq, "is not canonical"),
            Self::Misplaced {
                chain,
                seq,
                of_chain,
                of_seq,
            } => {
                write!(f, "in the place of record {seq} of {} stands ", Name(chain))?;
                write!(f, "record {of_seq} of {}", Name(of_chain))
            }
            Self::ColumnDiffers { chain, seq, column } => {
                write!(f, "the {} beside ", noun(*column))?;
                record(f, chain, *seq, "is another one")
            }
            Self::Missing { chain, from, to } => several(f, "missing", chain, (*from, *to)),
            Self::Unlinked { chain, seq } => {
                record(f, chain, *seq, "does not follow the one before")
            }
            Self::OutOfOrder { chain, seq } => record(f, chain, *seq, "was stored out of order"),
            Self::Replaced { chain, seq, .. } => {
                record(f, chain, *seq, "is another one than the heads name")
            }
            Self::TailMissing { chain, from, to } => {
                several(f, "missing at the end", chain, (*from, *to))
            }
            Self::ChainMissing { chain, records } => {
                let noun = if *records == 1 { "record" } else { "records" };
                write!(f, "{} is missing, {records} {noun}", Name(chain))
            }
            Self::Unlisted { chain, from, to } => {
                several(f, "unknown to the heads", chain, (*from, *to))
            }
            Self::Stray { id } => write!(f, "row {id} belongs to no chain"),
            Self::IndexDiffers { id } => write!(f, "the index differs from row {id}"),
            Self::IndexForeign { id } => write!(f, "index row {id} is no record and hides some"),
            Self::IndexLacks { id } => write!(f, "the index lacks row {id}, so readers miss it"),
            Self::DocumentEdited { digest } => write!(f, "document {digest} was edited"),
            Self::DocumentMissing { digest } => write!(f, "document {digest} is missing"),
            Self::DocumentUnlisted { digest } => {
                write!(f, "document {digest} is unknown to the heads")
            }
            Self::SealedDiffers { id } => {
                write!(f, "the sealed payload of row {id} is missing or another")
            }
            Self::AnchorBroken { chain, seq, .. } => {
                record(f, chain, *seq, "is not the one that was anchored")
            }
            Self::AnchoredMissing { chain, seq } => anchored(f, chain, *seq),
            Self::AnchorPruned { chain, seq } => record(f, chain, *seq, ANCHOR_PRUNED),
            Self::PruningUnanchored { chain, seq } => record(f, chain, *seq, PRUNING_UNANCHORED),
            Self::CutDiffers { chain } => {
                let name = Name(chain);
                write!(f, "where {name} was cut is another place than recorded")
            }
            Self::CheckpointBroken { chain, seq } => {
                record(f, chain, *seq, "is a checkpoint that does not hold")
            }
            Self::Line { line } => write!(f, "line {line} of the export does not read"),
            Self::Incomplete => f.write_str("the export is not complete"),
            Self::Untraced => f.write_str("something was changed that could not be traced"),
        }
    }
}

const fn noun(column: Column) -> &'static str {
    match column {
        Column::At => "time",
        Column::Kind => "kind",
        Column::Subject => "subject",
    }
}

fn several(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    chain: &ChainId,
    span: (u64, u64),
) -> fmt::Result {
    write!(f, "{what}: {}", Several(chain, span.0, span.1))
}

fn record(f: &mut fmt::Formatter<'_>, chain: &ChainId, seq: u64, what: &str) -> fmt::Result {
    write!(f, "record {seq} of {} {what}", Name(chain))
}

/// Says of a chain that is not there that it was. Sessions may stand where heads are missing.
fn anchored(f: &mut fmt::Formatter<'_>, chain: &ChainId, seq: u64) -> fmt::Result {
    match chain {
        ChainId::Session { .. } => {
            let name = Name(chain);
            write!(f, "{name} is missing, and its record {seq} was anchored")
        }
        ChainId::Heads { tenant } => {
            write!(f, "the heads of tenant `{tenant}` are missing, ")?;
            write!(f, "and record {seq} of them was anchored")
        }
    }
}

/// Names records of a chain that follow each other.
struct Several<'a>(&'a ChainId, u64, u64);

impl fmt::Display for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(chain, from, to) = self;
        if from == to {
            write!(f, "record {from} of {}", Name(chain))
        } else {
            write!(f, "records {from} to {to} of {}", Name(chain))
        }
    }
}

/// Names a chain as people read it.
struct Name<'a>(&'a ChainId);

impl fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ChainId::Session { tenant, session } => {
                write!(formatter, "session `{session}` of tenant `{tenant}`")
            }
            ChainId::Heads { tenant } => write!(formatter, "the heads of tenant `{tenant}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fault: &Fault, expected: &str) {
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn a_fault_tells_people_where_it_is() {
        let chain = ChainId::Session {
            tenant: "acme".parse().unwrap(),
            session: "one".parse().unwrap(),
        };
        let heads = ChainId::Heads {
            tenant: "acme".parse().unwrap(),
        };
        check(
            &Fault::TailMissing {
                chain: chain.clone(),
                from: 3,
                to: 5,
            },
            "missing at the end: records 3 to 5 of session `one` of tenant `acme`",
        );
        check(
            &Fault::Missing {
                chain: chain.clone(),
                from: 3,
                to: 3,
            },
            "missing: record 3 of session `one` of tenant `acme`",
        );
        check(
            &Fault::Misplaced {
                chain: chain.clone(),
                seq: 3,
                of_chain: heads.clone(),
                of_seq: 5,
            },
            "in the place of record 3 of session `one` of tenant `acme` stands record 5 of the \
             heads of tenant `acme`",
        );
        for (chain, expected) in [
            (
                chain.clone(),
                "session `one` of tenant `acme` is missing, and its record 3 was anchored",
            ),
            (
                heads.clone(),
                "the heads of tenant `acme` are missing, and record 3 of them was anchored",
            ),
        ] {
            check(&Fault::AnchoredMissing { chain, seq: 3 }, expected);
        }
        for (records, expected) in [
            (1, "session `one` of tenant `acme` is missing, 1 record"),
            (2, "session `one` of tenant `acme` is missing, 2 records"),
        ] {
            let chain = chain.clone();
            check(&Fault::ChainMissing { chain, records }, expected);
        }
        check(
            &Fault::Edited { chain, seq: 3 },
            "record 3 of session `one` of tenant `acme` was edited",
        );
    }
}
