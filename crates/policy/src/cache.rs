//! A compiled policy as bytes, so that a program that lives for one request
//! need not parse its policy.
//!
//! The bytes are for the program that wrote them: another version of it, or of
//! the format, reads nothing. Their digest stands before them, so damage is
//! told from content. It is no seal against somebody who may write the file.
//! Each rule stands for itself, and is read when a request first reaches it.

use std::sync::OnceLock;

use aegis_canon::Digest;
use aegis_types::Verdict;
use serde::{Deserialize, Serialize};

use crate::compiled::Compiled;
use crate::index::Index;
use crate::matcher::Matcher;
use crate::native::fallback_name;
use crate::rule::{Examples, Place, Policy, Rule};
use crate::when::When;

/// What the bytes begin with.
const MAGIC: [u8; 8] = *b"aegis\0pc";

/// The version of the format.
const FORMAT: u32 = 6;

/// The version of the program, which the types within belong to.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// How long a digest is.
const DIGEST_BYTES: usize = 32;

/// Why bytes are no compiled policy.
#[derive(Debug, thiserror::Error)]
pub enum ReadCacheError {
    /// They are something else, or incomplete at the beginning.
    #[error("this is no compiled policy")]
    Foreign,
    /// Another version of the format or the program wrote them.
    #[error("the policy was compiled by another version of the program")]
    OtherVersion,
    /// They are not the bytes that were written.
    #[error("the compiled policy is damaged")]
    Damaged,
    /// They do not read as a policy.
    #[error("the compiled policy cannot be read")]
    Malformed(#[source] postcard::Error),
}

#[derive(Serialize)]
struct Written<'a> {
    digest: &'a [u8; DIGEST_BYTES],
    head: Policy,
    index: &'a Index,
    ends: Vec<u32>,
}

#[derive(Deserialize)]
struct Read {
    digest: [u8; DIGEST_BYTES],
    head: Policy,
    index: Index,
    ends: Vec<u32>,
}

/// Rules that are read one by one.
#[derive(Debug)]
pub(crate) struct StoredRules {
    bytes: Vec<u8>,
    /// Where each rule ends; it begins where the one before ends.
    ends: Vec<u32>,
    rules: Vec<OnceLock<Box<Rule>>>,
}

impl StoredRules {
    /// Returns the rule at `place`.
    ///
    /// Whole bytes hold readable rules only. One that were not would deny
    /// everything, rather than be passed over.
    pub(crate) fn read(&self, place: usize) -> Option<&Rule> {
        let rule = self.rules.get(place)?;
        let read = || Box::new(self.decoded(place).unwrap_or_else(unreadable));
        Some(rule.get_or_init(read))
    }

    /// Returns all rules.
    pub(crate) fn read_all(&self) -> Vec<Rule> {
        (0..self.rules.len())
            .map(|place| self.decoded(place).unwrap_or_else(unreadable))
            .collect()
    }

    fn decoded(&self, place: usize) -> Option<Rule> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let end = *self.ends.get(place)?;
        let bytes = self.bytes.get(start as usize..end as usize)?;
        postcard::from_bytes(bytes).ok()
    }
}

/// Returns a rule that denies everything.
fn unreadable() -> Rule {
    Rule {
        id: fallback_name(),
        place: Place::default(),
        mandatory: false,
        tier_base: false,
        matcher: Matcher::default(),
        when: When::default(),
        verdict: Verdict::Deny,
        unknown: false,
        yields: false,
        risk: None,
        message: None,
        approval: None,
        obligations: Vec::new(),
        examples: Examples::default(),
    }
}

impl Compiled {
    /// Returns the policy and its index as bytes; nothing if they cannot be
    /// written, which is a matter of memory alone.
    #[must_use]
    pub fn to_cache(&self) -> Vec<u8> {
        self.body()
            .map_or_else(|_| Vec::new(), |body| sealed(&body))
    }

    fn body(&self) -> Result<Vec<u8>, postcard::Error> {
        let policy = self.policy();
        let digest = self.digest();
        let mut rules = Vec::new();
        let mut ends = Vec::with_capacity(policy.rules.len());
        for rule in &policy.rules {
            rules = postcard::to_extend(rule, rules)?;
            let end = u32::try_from(rules.len());
            ends.push(end.map_err(|_| postcard::Error::SerializeBufferFull)?);
        }
        let written = Written {
            digest: digest.as_bytes(),
            head: Policy {
                rules: Vec::new(),
                ..policy.clone()
            },
            index: self.index(),
            ends,
        };
        let mut body = postcard::to_allocvec(&written)?;
        body.append(&mut rules);
        Ok(body)
    }

    /// Reads what [`Compiled::to_cache`] wrote.
    ///
    /// Whether it is the policy that is wanted, its sources say: compare their
    /// digests with those of the files.
    ///
    /// # Errors
    ///
    /// [`ReadCacheError`] for any other bytes. Parse the policy instead, and
    /// write the cache again.
    pub fn from_cache(bytes: &[u8]) -> Result<Self, ReadCacheError> {
        let body = unsealed(bytes)?;
        let (read, rules) =
            postcard::take_from_bytes::<Read>(body).map_err(ReadCacheError::Malformed)?;
        if read.ends.last().copied().unwrap_or_default() as usize != rules.len() {
            return Err(ReadCacheError::Damaged);
        }
        let stored = StoredRules {
            bytes: rules.to_vec(),
            rules: read.ends.iter().map(|_| OnceLock::new()).collect(),
            ends: read.ends,
        };
        let digest = Digest::from_bytes(read.digest);
        Ok(Self::of_cache(read.head, stored, digest, read.index))
    }
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = header();
    bytes.extend_from_slice(Digest::of(body).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn unsealed(bytes: &[u8]) -> Result<&[u8], ReadCacheError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ReadCacheError::Foreign);
    }
    let rest = bytes
        .strip_prefix(&*header())
        .ok_or(ReadCacheError::OtherVersion)?;
    let (digest, body) = rest
        .split_first_chunk::<DIGEST_BYTES>()
        .ok_or(ReadCacheError::Damaged)?;
    if Digest::of(body).as_bytes() == digest {
        Ok(body)
    } else {
        Err(ReadCacheError::Damaged)
    }
}

fn header() -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    // A version is a handful of characters.
    header.push(u8::try_from(PROGRAM.len()).unwrap_or(u8::MAX));
    header.extend_from_slice(PROGRAM.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holds::Facts;
    use crate::holds::tests::shell_request;
    use crate::source::{MemorySources, Source};

    fn compiled() -> Compiled {
        let text = "aegis: policy/v1\nname: c\ndefault: allow\nrules:\n  \
                    - {id: one, match: {tool: Bash}, verdict: ask}\n  \
                    - {id: two, match: {tool: Read}, verdict: ask}\n";
        let source = Source::new("c.yaml", text);
        let parsed = crate::parse(&source, &MemorySources::default()).unwrap();
        Compiled::new(parsed.policy, Digest::of(b"c"))
    }

    fn verdicts(compiled: &Compiled) -> Vec<Verdict> {
        let request = shell_request();
        compiled
            .candidates(&Facts::new(&request))
            .map(|rule| rule.verdict)
            .collect()
    }

    #[test]
    fn a_cached_policy_is_the_policy_with_its_rules() {
        let first = compiled();
        let read = Compiled::from_cache(&first.to_cache()).unwrap();
        assert_eq!(verdicts(&read), [Verdict::Ask]);
        assert_eq!(read.policy(), first.policy());
        assert_eq!(read.to_cache(), first.to_cache());
    }

    #[test]
    fn a_rule_that_cannot_be_read_denies() {
        let first = compiled();
        let mut body = first.body().unwrap();
        let rules = postcard::take_from_bytes::<Read>(&body).unwrap().1.len();
        let start = body.len() - rules;
        // The length of the first rule's id is beyond its end.
        body[start] = 0xff;
        let read = Compiled::from_cache(&sealed(&body)).unwrap();
        assert_eq!(verdicts(&read), [Verdict::Deny]);
        assert_eq!(read.policy().rules[0].verdict, Verdict::Deny);
        assert_eq!(read.policy().rules[1], first.policy().rules[1]);
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = compiled().to_cache();
        bytes[8] ^= 1;
        assert!(matches!(
            Compiled::from_cache(&bytes),
            Err(ReadCacheError::OtherVersion)
        ));
        bytes[0] ^= 1;
        assert!(matches!(
            Compiled::from_cache(&bytes),
            Err(ReadCacheError::Foreign)
        ));
        assert!(matches!(
            Compiled::from_cache(&compiled().to_cache()[..40]),
            Err(ReadCacheError::Damaged)
        ));
    }
}
