//! Policies parse into what they say.

use aegis_policy::{MemorySources, Paint, Parsed, Problems, Source, parse, render};

fn fixture(name: &str) -> String {
    let path = format!("{}/../../fixtures/policy/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn parsed(text: &str) -> Parsed {
    let source = Source::new("policy.yaml", text);
    match parse(&source, &MemorySources::default()) {
        Ok(parsed) => parsed,
        Err(Problems(problems, sources)) => {
            panic!("{}", render(&problems, &sources, Paint::Plain))
        }
    }
}

#[test]
fn dbg_smoke() {
    let p = parsed(&fixture("valid/firewall-seed.yaml"));
    println!("{:#?}", p.policy);
    let p = parsed(&fixture("valid/native-all.yaml"));
    println!("{:#?}", p.policy);
    println!("{}", render(&p.warnings, &p.texts, Paint::Plain));
}
