//! One commit: several batches, each with its own expected head.
//!
//! The same code seals for every store, so that stores differ in where the
//! bytes go and in nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Head, TenantId};

use crate::heads::Moves;
use crate::log::{AppendError, Appended};
use crate::seal::{Drafts, Sealed};

/// Where sealed envelopes go while a commit is open.
pub(crate) trait OpenCommit {
    /// Why the whole commit fails.
    type Fault;

    /// Returns where `chain` ends.
    fn head(&mut self, chain: &ChainId) -> Result<Head, Self::Fault>;

    /// Adds `sealed` to the end of its chain.
    fn put(&mut self, sealed: &Sealed) -> Result<(), Self::Fault>;

    /// Tells whether a document with this digest is stored.
    fn has_document(&mut self, digest: &Digest) -> Result<bool, Self::Fault>;

    /// Stores a document under its digest.
    fn put_document(&mut self, digest: &Digest, bytes: &Arc<[u8]>) -> Result<(), Self::Fault>;
}

/// Documents with their digests.
type Documents = Vec<(Digest, Arc<[u8]>)>;

/// What became of one batch of a commit.
pub(crate) type Sealing = Result<Appended, AppendError>;

/// Seals each batch of `group` into `store`, and then the heads that moved.
///
/// A batch whose expectation fails writes nothing and does not disturb the
/// others. A fault of the store fails them all: the caller rolls back.
pub(crate) fn seal_group<S: OpenCommit>(
    store: &mut S,
    group: Vec<Drafts>,
) -> Result<Vec<Sealing>, S::Fault> {
    let mut heads = BTreeMap::new();
    let mut moves: BTreeMap<TenantId, Moves> = BTreeMap::new();
    let mut sealings = Vec::with_capacity(group.len());
    for drafts in group {
        let head = match heads.get(&drafts.chain) {
            Some(head) => *head,
            None => store.head(&drafts.chain)?,
        };
        let sealing = match accept(store, &drafts, head)? {
            Err(refusal) => Err(refusal),
            Ok(documents) => {
                let chain = drafts.chain.clone();
                let moves = moves.entry(chain.tenant().clone()).or_default();
                let appended = seal_batch(store, drafts, head, &documents, moves)?;
                heads.insert(chain, appended.head);
                Ok(appended)
            }
        };
        sealings.push(sealing);
    }
    for (tenant, moves) in moves {
        seal_moves(store, tenant, moves, &heads)?;
    }
    Ok(sealings)
}

/// Checks what only the store can tell, and returns the documents it lacks.
fn accept<S: OpenCommit>(
    store: &mut S,
    drafts: &Drafts,
    head: Head,
) -> Result<Result<Documents, AppendError>, S::Fault> {
    if drafts.expected.is_some_and(|expected| expected != head) {
        return Ok(Err(AppendError::HeadMoved { found: head }));
    }
    let mut lacking = Documents::new();
    for (digest, bytes) in &drafts.documents {
        let is_listed = lacking.iter().any(|(listed, _)| listed == digest);
        if is_listed || store.has_document(digest)? {
            continue;
        }
        if Digest::of(bytes) != *digest {
            return Ok(Err(AppendError::DocumentDigest { digest: *digest }));
        }
        lacking.push((*digest, Arc::clone(bytes)));
    }
    Ok(Ok(lacking))
}

fn seal_batch<S: OpenCommit>(
    store: &mut S,
    drafts: Drafts,
    mut head: Head,
    documents: &[(Digest, Arc<[u8]>)],
    moves: &mut Moves,
) -> Result<Appended, S::Fault> {
    for (digest, bytes) in documents {
        store.put_document(digest, bytes)?;
        moves.documents.push(*digest);
    }
    let mut envelopes = Vec::with_capacity(drafts.drafts.len());
    for draft in drafts.drafts {
        let sealed = draft.seal(&drafts.chain, &mut head);
        store.put(&sealed)?;
        envelopes.push(sealed.envelope);
    }
    let at = envelopes.iter().map(|envelope| envelope.at).max();
    moves.note(&drafts.chain, head, at);
    Ok(Appended { envelopes, head })
}

fn seal_moves<S: OpenCommit>(
    store: &mut S,
    tenant: TenantId,
    moves: Moves,
    heads: &BTreeMap<ChainId, Head>,
) -> Result<(), S::Fault> {
    // The record is made of names and digests, which every check accepts.
    let Some(Ok(draft)) = moves.draft(&tenant) else {
        return Ok(());
    };
    let chain = ChainId::Heads { tenant };
    let mut head = match heads.get(&chain) {
        Some(head) => *head,
        None => store.head(&chain)?,
    };
    store.put(&draft.seal(&chain, &mut head))
}
