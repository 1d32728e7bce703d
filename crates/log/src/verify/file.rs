//! Verifying a log file.

use std::collections::{BTreeMap, BTreeSet};

use aegis_canon::Digest;
use aegis_types::{ChainId, SealedPayload};
use rusqlite::{Connection, OptionalExtension};

use super::anchor::Reach;
use super::diagnosis::{Claim, Columns, Diagnosis};
use super::ground::LogGround;
use super::report::{Fault, Verification, VerifiedChain};
use super::scan::{Named, Part, Span, Traced, scan};
use super::{Depth, Evidence};
use crate::log::ReadLogError;
use crate::prune::Cuts;
use crate::sqlite::{SqliteLog, chain_at, cut_table, cuts_in, digest_at};

/// Verifies the log in a file, as it is when this begins.
///
/// # Errors
///
/// [`ReadLogError`] when the file cannot be read at all; what is wrong with
/// what was read is in the [`Verification`].
pub fn verify(log: &SqliteLog, evidence: &Evidence<'_>) -> Result<Verification, ReadLogError> {
    let connection = log.another_reader()?;
    let found = verify_records(log, &connection, evidence);
    let (mut verification, cuts) = found.map_err(|error| log.read_failure(error))?;
    verification.is_whole = true;
    let find = |log: &SqliteLog| {
        let ground = LogGround { log, cuts: &cuts };
        Reach::find(evidence, &ground, &verification.chains)
    };
    let reach = match find(log) {
        // What is wrong with the index is named, and keeps no anchor from being held.
        Err(ReadLogError::Damaged(_)) => find(&log.past_the_index()?),
        found => found,
    };
    reach?.apply(&mut verification);
    verification.pruned = cuts.told;
    Ok(verification)
}

/// What the records came to, beside what else the file holds.
struct Found {
    verification: Verification,
    slots: BTreeMap<i64, SealedPayload>,
    documents: BTreeSet<Digest>,
}

fn verify_records(
    log: &SqliteLog,
    connection: &Connection,
    evidence: &Evidence<'_>,
) -> Result<(Verification, Cuts), rusqlite::Error> {
    // All that this connection reads belongs to one moment.
    connection.execute_batch("BEGIN")?;
    let last = "SELECT coalesce(max(id), 0) FROM records";
    let to: i64 = connection.query_row(last, [], |row| row.get(0))?;
    let cuts = cuts_in(connection)?;
    let Found {
        mut verification,
        slots,
        mut documents,
    } = match scan_all(log, connection, to, &cuts, evidence)? {
        Some(found) => found,
        None => diagnose(connection, &cuts)?,
    };
    documents.extend(&cuts.documents);
    check_sealed(connection, &slots, &mut verification)?;
    check_documents(connection, &documents, &mut verification)?;
    check_coverage(connection, &mut verification)?;
    if evidence.depth == Depth::Canonical {
        check_index(connection, &mut verification)?;
    }
    check_cuts(connection, &cuts, &mut verification)?;
    Ok((verification, cuts))
}

/// Scans all records at speed; returns nothing if anything disagrees.
fn scan_all(
    log: &SqliteLog,
    connection: &Connection,
    to: i64,
    cuts: &Cuts,
    evidence: &Evidence<'_>,
) -> Result<Option<Found>, rusqlite::Error> {
    let Some(chains) = named_chains(connection, cuts)? else {
        return Ok(None);
    };
    let spans = spans(connection, to, evidence.threads.clamp(1, 8))?;
    let canonical = evidence.depth == Depth::Canonical;
    let parts = std::thread::scope(|scope| {
        let scans: Vec<_> = spans
            .into_iter()
            .map(|span| {
                let chains = chains.as_slice();
                scope.spawn(move || match log.another_reader() {
                    Ok(reader) => scan(&reader, chains, span, canonical),
                    // The slower way reads with the connection that there is.
                    Err(_) => Ok(Part::default()),
                })
            })
            .collect();
        let joined = scans.into_iter().map(|scan| match scan.join() {
            Ok(part) => part,
            Err(_) => Ok(Part::default()),
        });
        joined.collect::<Result<Vec<Part>, _>>()
    });
    // A row of another shape is a fault to name, not a failure to read.
    Ok(parts.ok().and_then(|parts| join(&chains, parts)))
}

/// Returns the chains in the order of their numbers; nothing if one has no
/// proper name, or one that the cuts know is not there.
fn named_chains(
    connection: &Connection,
    cuts: &Cuts,
) -> Result<Option<Vec<Named>>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT id, tenant, session FROM chains ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut chains = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(chain) = chain_at(row, 1) else {
            return Ok(None);
        };
        let id = row.get(0)?;
        let bounds = cuts.bounds(&chain);
        chains.push(Named { id, chain, bounds });
    }
    let known: BTreeSet<&ChainId> = chains.iter().map(|named| &named.chain).collect();
    let are_there = cuts.named.keys().all(|chain| known.contains(chain));
    Ok(are_there.then_some(chains))
}

/// Divides the records up to `to` into at most `count` spans of whole commits.
fn spans(connection: &Connection, to: i64, count: usize) -> Result<Vec<Span>, rusqlite::Error> {
    let boundary = "SELECT records.id FROM records JOIN records AS following
                    ON following.id = records.id + 1
                    WHERE records.id >= ?1 AND records.id < ?1 + 4096
                      AND records.kind = 'HEADS_MOVED' AND following.kind <> 'HEADS_MOVED'
                    ORDER BY records.id LIMIT 1";
    let mut spans = Vec::new();
    let mut after = 0;
    let count = i64::try_from(count).unwrap_or(1);
    for part in 1..count {
        let about = to / count * part;
        let found: Option<i64> = connection
            .query_row(boundary, [about], |row| row.get(0))
            .optional()?;
        if let Some(found) = found.filter(|found| *found > after && *found < to) {
            spans.push(Span { after, to: found });
            after = found;
        }
    }
    spans.push(Span { after, to });
    Ok(spans)
}

/// Joins the parts, if each begins where the one before ended.
fn join(chains: &[Named], parts: Vec<Part>) -> Option<Found> {
    let mut found = Found {
        verification: Verification::default(),
        slots: BTreeMap::new(),
        documents: BTreeSet::new(),
    };
    let mut whole: Vec<Traced> = chains.iter().map(Named::start).collect();
    for part in parts {
        if !part.agrees {
            return None;
        }
        found.verification.records += part.records;
        found.slots.extend(part.slots);
        found.documents.extend(part.documents);
        for ((named, whole), traced) in chains.iter().zip(&mut whole).zip(part.chains) {
            let Some((seq, previous)) = traced.first else {
                continue;
            };
            // What is left of a pruned beginning links up to what is known of its end.
            let is_left_over = whole.first.is_none() && named.bounds.lacks(seq);
            let follows = seq == whole.head.next && previous == whole.head.hash;
            if !follows && !is_left_over {
                return None;
            }
            whole.first = whole.first.or(traced.first);
            whole.head = traced.head;
            whole.records += traced.records;
        }
    }
    let reaches = |(named, whole): (&Named, &Traced)| {
        let is_empty = whole.records == 0;
        let named_only = named.bounds.named;
        let last = if is_empty {
            named_only
        } else {
            named.bounds.last()
        };
        last.is_none_or(|last| !is_empty && last.seq < whole.head.next)
    };
    if !chains.iter().zip(&whole).all(reaches) {
        return None;
    }
    let verified = chains
        .iter()
        .zip(whole)
        .map(|(named, traced)| VerifiedChain {
            chain: named.chain.clone(),
            first: traced.first.map_or(0, |(first, _)| first),
            head: traced.head,
            records: traced.records,
            anchored_to: None,
            first_fault: None,
        });
    let verified = verified.filter(|chain| chain.records > 0);
    found.verification.chains = verified.collect();
    found
        .verification
        .chains
        .sort_by(|one, other| one.chain.cmp(&other.chain));
    Some(found)
}

/// Follows every record and names what is wrong.
fn diagnose(connection: &Connection, cuts: &Cuts) -> Result<Found, rusqlite::Error> {
    let mut diagnosis = Diagnosis::of_cut(cuts.clone());
    let select = "SELECT records.id, tenant, session, seq, at, kind, subject, hash, bytes
                  FROM records LEFT JOIN chains ON chains.id = records.chain ORDER BY records.id";
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let (Ok(chain), Ok(hash)) = (chain_at(row, 1), digest_at(row, 7)) else {
            diagnosis.stray(id);
            continue;
        };
        diagnosis.follow(&Claim {
            id,
            chain: &chain,
            seq: row.get::<_, i64>(3)?.cast_unsigned(),
            hash,
            bytes: row.get_ref(8)?.as_blob()?,
            columns: Some(Columns {
                at: row.get(4)?,
                kind: row.get_ref(5)?.as_str()?,
                subject: row.get_ref(6)?.as_str_or_null()?,
            }),
        });
    }
    let mut diagnosis = diagnosis.finish(true);
    if diagnosis.found.is_sound() {
        // The scan found something that the diagnosis cannot name.
        diagnosis.found.add(Fault::Untraced);
    }
    Ok(Found {
        verification: diagnosis.found,
        slots: diagnosis.slots,
        documents: diagnosis.documents,
    })
}

/// Checks the sealed payloads against what the records name.
fn check_sealed(
    connection: &Connection,
    slots: &BTreeMap<i64, SealedPayload>,
    verification: &mut Verification,
) -> Result<(), rusqlite::Error> {
    let mut left: BTreeSet<i64> = slots.keys().copied().collect();
    let mut statement = connection.prepare("SELECT record, key_id, ciphertext FROM sealed")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let key_id = row.get_ref(1)?.as_str()?;
        let ciphertext = row.get_ref(2)?.as_blob_or_null()?;
        left.remove(&id);
        let agrees = slots.get(&id).is_some_and(|slot| {
            slot.key_id == key_id && ciphertext.is_none_or(|bytes| Digest::of(bytes) == slot.digest)
        });
        match (agrees, ciphertext) {
            (false, _) => verification.add(Fault::SealedDiffers { id }),
            (true, Some(_)) => verification.sealed += 1,
            (true, None) => verification.erased += 1,
        }
    }
    for id in left {
        verification.add(Fault::SealedDiffers { id });
    }
    Ok(())
}

/// Checks the documents against their digests and against what the heads name.
fn check_documents(
    connection: &Connection,
    listed: &BTreeSet<Digest>,
    verification: &mut Verification,
) -> Result<(), rusqlite::Error> {
    let mut left = listed.clone();
    let mut statement = connection.prepare("SELECT digest, bytes FROM documents")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let digest = digest_at(row, 0)?;
        verification.documents += 1;
        if !left.remove(&digest) {
            verification.add(Fault::DocumentUnlisted { digest });
        }
        if Digest::of(row.get_ref(1)?.as_blob()?) != digest {
            verification.add(Fault::DocumentEdited { digest });
        }
    }
    for digest in left {
        verification.add(Fault::DocumentMissing { digest });
    }
    Ok(())
}

/// Checks that the index has the records up to the last one in it, and nothing else.
///
/// Whoever reads takes what is beyond the last one for all that is not in the
/// index yet, so a row too many hides records as well as one too few.
fn check_coverage(
    connection: &Connection,
    verification: &mut Verification,
) -> Result<(), rusqlite::Error> {
    // In the order of the records, which lie side by side then.
    let foreign = "SELECT entries.id FROM entries NOT INDEXED LEFT JOIN records USING (id)
                   WHERE records.id IS NULL";
    let mut statement = connection.prepare(foreign)?;
    for id in statement.query_map([], |row| row.get(0))? {
        verification.add(Fault::IndexForeign { id: id? });
    }
    // What a row for no record hides is told by that row.
    let lacking = "SELECT records.id FROM records LEFT JOIN entries USING (id)
                   WHERE entries.id IS NULL AND records.id <=
                       (SELECT max(id) FROM entries WHERE id <= (SELECT max(id) FROM records))";
    let mut statement = connection.prepare(lacking)?;
    for id in statement.query_map([], |row| row.get(0))? {
        verification.add(Fault::IndexLacks { id: id? });
    }
    Ok(())
}

/// Checks that the columns of the index are those of the records.
fn check_index(
    connection: &Connection,
    verification: &mut Verification,
) -> Result<(), rusqlite::Error> {
    let select = "SELECT id FROM records JOIN entries USING (id)
        WHERE entries.chain IS NOT records.chain OR entries.seq IS NOT records.seq
           OR entries.at IS NOT records.at OR entries.kind IS NOT records.kind
           OR entries.subject IS NOT records.subject";
    let mut statement = connection.prepare(select)?;
    for id in statement.query_map([], |row| row.get(0))? {
        let id = id?;
        verification.add(Fault::IndexDiffers { id });
    }
    Ok(())
}

/// Checks that the table from which chains go on is what the records of pruning say.
fn check_cuts(
    connection: &Connection,
    cuts: &Cuts,
    verification: &mut Verification,
) -> Result<(), rusqlite::Error> {
    let table = cut_table(connection)?;
    let chains: BTreeSet<&ChainId> = table.keys().chain(cuts.gone.keys()).collect();
    for chain in chains {
        if table.get(chain) != cuts.gone.get(chain) {
            let chain = chain.clone();
            verification.add(Fault::CutDiffers { chain });
        }
    }
    Ok(())
}
