//! Verifying a log that is kept in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::Envelope;

use super::Evidence;
use super::anchor::Reach;
use super::diagnosis::{Claim, Diagnosis};
use super::ground::LogGround;
use super::report::{Fault, Verification};
use crate::log::{Log, ReadLogError};
use crate::prune::Cuts;

/// Verifies `records` and `documents`, which are what `log` held at one moment.
pub(crate) fn verify_kept(
    log: &dyn Log,
    records: &[Envelope],
    documents: &BTreeMap<Digest, Arc<[u8]>>,
    evidence: &Evidence<'_>,
) -> Result<Verification, ReadLogError> {
    let mut diagnosis = Diagnosis::default();
    for (id, envelope) in (1..).zip(records) {
        diagnosis.follow(&Claim {
            id,
            chain: &envelope.chain,
            seq: envelope.seq,
            hash: envelope.hash,
            bytes: &envelope.bytes(),
            columns: None,
        });
    }
    let diagnosis = diagnosis.finish(true);
    let mut listed = diagnosis.documents;
    let mut found = diagnosis.found;
    found.is_whole = true;
    found.sealed = diagnosis.slots.len() as u64;
    for (digest, bytes) in documents {
        found.documents += 1;
        if !listed.remove(digest) {
            found.add(Fault::DocumentUnlisted { digest: *digest });
        }
        if Digest::of(bytes) != *digest {
            found.add(Fault::DocumentEdited { digest: *digest });
        }
    }
    for digest in listed {
        found.add(Fault::DocumentMissing { digest });
    }
    // Nothing is ever pruned in memory.
    let cuts = &Cuts::default();
    let ground = LogGround { log, cuts };
    Reach::find(evidence, &ground, &found.chains)?.apply(&mut found);
    Ok(found)
}
