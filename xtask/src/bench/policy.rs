//! A policy from its text to its first decision, and from its cache.

use std::hint::black_box;

use aegis_canon::Digest;
use aegis_policy::{Compiled, MemorySources, Parsed, Source, parse, policy_document};
use anyhow::{Result, bail};

use super::figures::{Figures, at_most};
use super::peer::Peer;
use super::{machine, mix};

/// How often everything is measured.
const ROUNDS: usize = 101;

/// Measures and prints.
pub fn measure() -> Result<()> {
    for rules in [10, 101, 1_000] {
        measure_rules(rules)?;
    }
    let scratch = machine::scratch()?;
    let peer = Peer::measure(scratch.path())?;
    for rules in [10, 100, 1_000] {
        let load = peer.figure(&format!("load_{rules}_ms"))?;
        let decide = peer.figure(&format!("decide_{rules}_per_s"))?;
        println!(
            "  agent-aegis 1.0.0, {rules} rules: load {load:.1} ms, one decision {:.1} us",
            1e6 / decide
        );
    }
    Ok(())
}

fn measure_rules(rules: usize) -> Result<()> {
    let text = mix::policy_text(rules);
    let parsed = parsed(&text)?;
    let digest = Digest::of(&policy_document(&parsed.texts));
    let checking = Figures::measured(ROUNDS, || {
        black_box(self::parsed(&text).is_ok());
    });
    checking.print(&format!("{rules} rules: parse and check"));
    let policies = vec![parsed.policy; ROUNDS];
    let mut compiled = policies
        .into_iter()
        .map(|policy| Compiled::new(policy, digest));
    let mut cache = Vec::new();
    let writing = Figures::measured(ROUNDS, || {
        if let Some(compiled) = compiled.next() {
            cache = compiled.to_cache();
        }
    });
    writing.print(&format!("{rules} rules: make the index, write both"));
    let reading = Figures::measured(ROUNDS, || {
        black_box(Compiled::from_cache(&cache).is_ok());
    });
    reading.print(&format!(
        "{rules} rules: from the cache, {} bytes",
        cache.len()
    ));
    if rules == 1_000 {
        let ms = |figures: Figures| figures.median.as_secs_f64() * 1e3;
        at_most("parse and check 1,000 rules", ms(checking), 60.0, "ms");
        at_most(
            "index of 1,000 rules from the cache",
            ms(reading),
            1.0,
            "ms",
        );
    }
    Ok(())
}

fn parsed(text: &str) -> Result<Parsed> {
    match parse(&Source::new("policy.yaml", text), &MemorySources::default()) {
        Ok(parsed) => Ok(parsed),
        Err(problems) => bail!("the policy is no good: {problems}"),
    }
}
