//! What recomputing a log found, as it goes over the wire.

use aegis_api::{FaultView, PrunedView, RangeView, VerificationView, VerifiedChainView};
use aegis_log::{Fault, Pruned, Standing, Verification, VerifiedChain};
use aegis_types::TenantId;

/// Returns what was found, or as much of it as is `tenant`'s.
///
/// What the file holds for all is told only where nobody else has records in it;
/// a fault of the file itself counts for everybody.
#[must_use]
pub fn verification_view(found: &Verification, tenant: Option<&TenantId>) -> VerificationView {
    let is_theirs = |name: &TenantId| tenant.is_none_or(|tenant| tenant == name);
    let chains: Vec<&VerifiedChain> = found
        .chains
        .iter()
        .filter(|one| is_theirs(one.chain.tenant()))
        .collect();
    let are_alone = chains.len() == found.chains.len();
    let faults: Vec<FaultView> = found
        .faults
        .iter()
        .filter(|fault| {
            fault
                .place()
                .map_or(are_alone, |(chain, _)| is_theirs(chain.tenant()))
        })
        .map(fault_view)
        .collect();
    let is_of_all = |fault: &&Fault| fault.place().is_none();
    let of_all = found.faults.iter().filter(is_of_all).count() as u64;
    // Those beyond the ones that are told may be anybody's.
    let untold = found.fault_count - found.faults.len() as u64;
    let untold = untold + if are_alone { 0 } else { of_all };
    let fault_count = faults.len() as u64 + untold;
    let records = if are_alone {
        found.records
    } else {
        chains.iter().map(|one| one.records).sum()
    };
    VerificationView {
        sound: fault_count == 0,
        records,
        documents: are_alone.then_some(found.documents),
        sealed: are_alone.then_some(found.sealed),
        erased: are_alone.then_some(found.erased),
        pruned: found
            .pruned
            .iter()
            .filter(|pruned| is_theirs(&pruned.tenant))
            .map(pruned_view)
            .collect(),
        fault_count,
        faults,
        chains: chains.into_iter().map(chain_view).collect(),
    }
}

fn fault_view(fault: &Fault) -> FaultView {
    let place = fault.place();
    let session = place.and_then(|(chain, _)| chain.session());
    FaultView {
        text: fault.to_string(),
        session: session.map(ToString::to_string),
        seq: place.map(|(_, seq)| seq),
    }
}

fn pruned_view(pruned: &Pruned) -> PrunedView {
    PrunedView {
        tenant: pruned.tenant.to_string(),
        records: pruned.records,
        sessions: pruned.sessions,
        before_unix_ms: pruned.before.unix_ms(),
        by: pruned.by.clone(),
        ts_unix_ms: pruned.at.unix_ms(),
    }
}

fn chain_view(one: &VerifiedChain) -> VerifiedChainView {
    let range = |range: aegis_log::Range| RangeView {
        from: range.from,
        to: range.to,
        standing: match range.standing {
            Standing::Anchored => "anchored",
            Standing::Consistent => "consistent",
            Standing::Faulty => "faulty",
        }
        .to_owned(),
    };
    VerifiedChainView {
        tenant: one.chain.tenant().to_string(),
        session: one.chain.session().map(ToString::to_string),
        records: one.records,
        next: one.head.next,
        head: one.head.hash.map(|hash| hash.to_string()),
        ranges: one.ranges().into_iter().map(range).collect(),
    }
}
