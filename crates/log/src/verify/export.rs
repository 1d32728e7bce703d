//! Verifying an export, without the log it came from.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use aegis_canon::{Digest, canonical, parse};
use aegis_types::{ChainId, Envelope, SessionId, TenantId};
use serde_json::{Map, Value, json};

use super::Evidence;
use super::anchor::{Ground, Reach};
use super::diagnosis::{Claim, Diagnosis};
use super::report::{Fault, Verification};
use crate::export::{EXPORT_VERSION, head_of};
use crate::log::ReadLogError;
use crate::prune::{Cut, Cuts, Said};
use crate::stored::from_value;

/// Verifies the export that `reader` gives.
///
/// # Errors
///
/// When the lines cannot be read; what is wrong with them is in the
/// [`Verification`].
pub fn verify_export(
    reader: impl BufRead,
    evidence: &Evidence<'_>,
) -> Result<Verification, io::Error> {
    let mut lines = Lines {
        diagnosis: Diagnosis::default(),
        prunings: Vec::new(),
        hashes: BTreeMap::new(),
        documents: 0,
        end: None,
    };
    for anchor in evidence.anchors {
        lines
            .hashes
            .insert((anchor.chain.clone(), anchor.seq), None);
    }
    for (number, line) in reader.split(b'\n').enumerate() {
        let line = line?;
        if lines.follow(number, &line).is_none() {
            let line = number as u64 + 1;
            lines.diagnosis.found.add(Fault::Line { line });
        }
    }
    Ok(lines.finish(evidence))
}

struct Lines {
    diagnosis: Diagnosis,
    /// The hashes of the records that the first lines say were pruned by.
    prunings: Vec<Digest>,
    /// The hashes of the records that are anchored.
    hashes: BTreeMap<(ChainId, u64), Option<Digest>>,
    documents: u64,
    /// What the last line says.
    end: Option<Map<String, Value>>,
}

impl Lines {
    /// Follows one line; returns nothing if it is none of an export.
    fn follow(&mut self, number: usize, line: &[u8]) -> Option<()> {
        let Value::Object(mut fields) = parse(line).ok()? else {
            return None;
        };
        if self.end.is_some() {
            return None;
        }
        if let Some(end) = fields.remove("end") {
            self.end = Some(end.as_object()?.clone());
            return Some(());
        }
        if let Some(document) = fields.remove("document") {
            return self.follow_document(&document);
        }
        if let Some(pruned) = fields.remove("pruned") {
            return self.follow_pruning(pruned);
        }
        let hash: Digest = fields.remove("hash")?.as_str()?.parse().ok()?;
        let value = Value::Object(fields);
        let bytes = canonical(&value);
        let envelope = from_value(value, hash).ok()?;
        let place = (envelope.chain, envelope.seq);
        if let Some(kept) = self.hashes.get_mut(&place) {
            *kept = Some(hash);
        }
        self.diagnosis.follow(&Claim {
            id: i64::try_from(number).ok()?.saturating_add(1),
            chain: &place.0,
            seq: place.1,
            hash,
            bytes: &bytes,
            columns: None,
        });
        Some(())
    }

    /// Takes in what was pruned, which stands before all records.
    fn follow_pruning(&mut self, pruned: Value) -> Option<()> {
        let Value::Object(mut fields) = pruned else {
            return None;
        };
        let hash: Digest = fields.remove("hash")?.as_str()?.parse().ok()?;
        let value = Value::Object(fields);
        if Digest::of(&canonical(&value)) != hash || self.diagnosis.found.records > 0 {
            return None;
        }
        let envelope = from_value(value, hash).ok()?;
        self.diagnosis.cuts.add(&envelope);
        // An export of one chain has it nowhere else.
        if let Some(kept) = self.hashes.get_mut(&(envelope.chain, envelope.seq)) {
            *kept = Some(hash);
        }
        self.prunings.push(hash);
        Some(())
    }

    fn follow_document(&mut self, document: &Value) -> Option<()> {
        let digest: Digest = document.get("digest")?.as_str()?.parse().ok()?;
        let bytes = match (document.get("text"), document.get("hex")) {
            (Some(text), None) => text.as_str()?.as_bytes().to_vec(),
            (None, Some(hex)) => from_hex(hex.as_str()?)?,
            (None | Some(_), None | Some(_)) => return None,
        };
        self.documents += 1;
        if Digest::of(&bytes) != digest {
            self.diagnosis.found.add(Fault::DocumentEdited { digest });
        }
        let was_named = self.diagnosis.cuts.documents.remove(&digest);
        if !self.diagnosis.documents.remove(&digest) && !was_named {
            self.diagnosis.found.add(Fault::DocumentUnlisted { digest });
        }
        Some(())
    }

    fn finish(self, evidence: &Evidence<'_>) -> Verification {
        let is = |end: &Map<String, Value>, key: &str, value: Value| end.get(key) == Some(&value);
        let is_whole = self
            .end
            .as_ref()
            .is_some_and(|end| is(end, "whole", Value::from(true)));
        let diagnosis = self.diagnosis.finish(is_whole);
        let mut found = diagnosis.found;
        found.pruned.clone_from(&diagnosis.cuts.told);
        if is_whole && self.prunings != diagnosis.prunings {
            // A beginning is missing, and the log itself says nothing of it.
            found.add(Fault::Incomplete);
        }
        found.documents = self.documents;
        found.is_whole = is_whole;
        if is_whole {
            for digest in diagnosis
                .documents
                .union(&diagnosis.cuts.documents)
                .copied()
            {
                found.add(Fault::DocumentMissing { digest });
            }
        }
        let heads = found
            .chains
            .iter()
            .map(|one| head_of(&one.chain, &one.head));
        let heads = Value::Array(heads.collect());
        let erased = self.end.as_ref().and_then(|end| end.get("erased"));
        found.erased = erased
            .and_then(Value::as_array)
            .map_or(0, |erased| erased.len() as u64);
        let is_complete = self.end.is_some_and(|end| {
            is(&end, "v", json!(EXPORT_VERSION))
                && is(&end, "records", json!(found.records))
                && is(&end, "documents", json!(found.documents))
                && is(&end, "heads", heads)
        });
        if !is_complete {
            found.add(Fault::Incomplete);
        }
        let ground = ExportGround {
            cuts: diagnosis.cuts,
            hashes: self.hashes,
            checkpoints: diagnosis.checkpoints,
            listings: diagnosis.listings,
        };
        if let Ok(reach) = Reach::find(evidence, &ground, &found.chains) {
            reach.apply(&mut found);
        }
        found
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Where anchors are looked up in an export.
struct ExportGround {
    cuts: Cuts,
    hashes: BTreeMap<(ChainId, u64), Option<Digest>>,
    checkpoints: Vec<Envelope>,
    listings: BTreeMap<ChainId, Vec<(u64, u64)>>,
}

impl Ground for ExportGround {
    fn gone(&self, chain: &ChainId) -> Option<Cut> {
        self.cuts.gone.get(chain).copied()
    }

    fn said(&self) -> &[Said] {
        &self.cuts.said
    }

    fn hash(&self, chain: &ChainId, seq: u64) -> Result<Option<Digest>, ReadLogError> {
        Ok(self.hashes.get(&(chain.clone(), seq)).copied().flatten())
    }

    fn checkpoints(&self) -> Result<Vec<Envelope>, ReadLogError> {
        Ok(self.checkpoints.clone())
    }

    fn listed(&self, tenant: &TenantId, to: u64) -> Result<BTreeMap<SessionId, u64>, ReadLogError> {
        let of_tenant = self
            .listings
            .iter()
            .filter(|(chain, _)| chain.tenant() == tenant);
        let last = of_tenant.filter_map(|(chain, listings)| {
            let known = listings.partition_point(|(heads, _)| *heads <= to);
            let (_, seq) = listings.get(known.checked_sub(1)?)?;
            Some((chain.session()?.clone(), *seq))
        });
        Ok(last.collect())
    }
}
