//! What a decision costs, by the number of rules.
//!
//! The mix of rules, of every ten:
//!
//! * three regular expressions on the command of `Bash`,
//! * two equalities on a parameter of one of 200 tools,
//! * one glob on the names of tools with a condition on a parameter,
//! * two shell rules: program, subcommand and flag,
//! * two path rules, one on a tool and one on any tool.
//!
//! The requests are twenty, asked in turn: seven command lines, one of them of
//! 8 KB, six calls of other tools, six of files and one of the web. Some match a
//! rule, most do not. Every policy has a default. Times are those of one thread,
//! warm unless said otherwise, each decision measured by itself, the clock
//! included. The command line of five parts stands apart from the twenty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aegis_engine::{Attached, Settings, decide};
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_digest};
use aegis_types::{
    Access, Action, ActionRequest, Command, Directory, PathFact, Place, Plan, PolicyStanding, Span,
    State, Word, WordPart,
};
use serde_json::{Value, json};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    let is_short = std::env::args().any(|argument| argument == "--test");
    let rounds = if is_short { 5 } else { 2_000 };
    println!(
        "{:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "rules", "median", "p99", "short", "8 KB", "worst", "no match", "5 parts", "per s"
    );
    let mut medians = Vec::new();
    for size in SIZES {
        medians.push(report_decisions(size, rounds));
    }
    if let [ten, .., thousand, ten_thousand] = medians.as_slice() {
        println!(
            "\nmedian at 1,000 rules: {:.2} x that at 10; at 10,000: {:.2} x",
            ratio(*thousand, *ten),
            ratio(*ten_thousand, *ten)
        );
    }
    println!(
        "\n{:>8} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14}",
        "rules",
        "parse",
        "index, write",
        "cache load",
        "cache bytes",
        "first, indexed",
        "first, cached"
    );
    for size in SIZES {
        report_loading(size, if is_short { 1 } else { 15 });
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn report_decisions(size: usize, rounds: usize) -> Duration {
    let compiled = compile(&policy_texts(size));
    let requests = requests();
    let mut all = measure(&compiled, &requests, rounds);
    let mut short = measure(&compiled, &requests[..1], rounds);
    let long: Vec<ActionRequest> = requests.iter().filter(|it| is_long(it)).cloned().collect();
    let mut long = measure(&compiled, &long, rounds / 4 + 1);
    let mut worst = measure(&compiled, &[near_misses(size)], rounds / 4 + 1);
    let mut none = measure(&compiled, &[bash("cargo build --release")], rounds);
    let mut parts = measure(&compiled, &[compound()], rounds);
    let started = Instant::now();
    for request in requests.iter().cycle().take(rounds * requests.len()) {
        black_box(ask(&compiled, request));
    }
    let per_second = (rounds * requests.len()) as f64 / started.elapsed().as_secs_f64();
    let median = percentile(&mut all, 50);
    println!(
        "{size:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {per_second:>10.0}",
        shown(median),
        shown(percentile(&mut all, 99)),
        shown(percentile(&mut short, 50)),
        shown(percentile(&mut long, 50)),
        shown(percentile(&mut worst, 50)),
        shown(percentile(&mut none, 50)),
        shown(percentile(&mut parts, 50)),
    );
    median
}

fn report_loading(size: usize, rounds: usize) {
    let mut times: [Vec<Duration>; 5] = Default::default();
    let mut bytes = 0;
    let texts = policy_texts(size);
    let request = bash("cargo build --release");
    for _ in 0..rounds {
        let mut timed = |row: usize, work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            times[row].push(started.elapsed());
        };
        let mut compiled = None;
        timed(0, &mut || compiled = Some(compile(&texts)));
        let compiled = compiled.expect("it was just made");
        timed(3, &mut || drop(ask(&compiled, &request)));
        let plain = Compiled::new(compiled.policy().clone(), compiled.digest());
        let mut cache = Vec::new();
        timed(1, &mut || cache = plain.to_cache());
        bytes = cache.len();
        let mut cached = None;
        timed(2, &mut || cached = Compiled::from_cache(&cache).ok());
        let cached = cached.expect("the cache is whole");
        timed(4, &mut || drop(ask(&cached, &request)));
    }
    let [parse, write, load, indexed, first] =
        times.map(|mut times| shown(percentile(&mut times, 50)));
    println!("{size:>8} {parse:>12} {write:>12} {load:>12} {bytes:>12} {indexed:>14} {first:>14}");
}

fn measure(compiled: &Compiled, requests: &[ActionRequest], rounds: usize) -> Vec<Duration> {
    for request in requests {
        black_box(ask(compiled, request));
    }
    let mut times = Vec::with_capacity(rounds * requests.len());
    for _ in 0..rounds {
        for request in requests {
            let started = Instant::now();
            black_box(ask(compiled, request));
            times.push(started.elapsed());
        }
    }
    times
}

fn ask(compiled: &Compiled, request: &ActionRequest) -> aegis_types::Decision {
    let attached = [Attached {
        policy: compiled,
        standing: PolicyStanding::Current,
        only_tightens: false,
    }];
    decide(
        black_box(request),
        &attached,
        &State::default(),
        &Settings::default(),
    )
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn shown(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    if nanoseconds < 10_000 {
        format!("{nanoseconds} ns")
    } else {
        format!("{:.1} us", time.as_secs_f64() * 1e6)
    }
}

fn compile(texts: &[(String, String)]) -> Compiled {
    let sources = MemorySources::new(texts.iter().map(|(name, text)| (&**name, &**text)));
    let (name, text) = &texts[0];
    let parsed = match parse(&Source::new(name, text), &sources) {
        Ok(parsed) => parsed,
        Err(problems) => panic!("{}", problems.0[0].message),
    };
    Compiled::new(parsed.policy, policy_digest(&parsed.texts))
}

fn tool(number: usize) -> String {
    format!("mcp__server{}__tool{}", number % 20, number % 200)
}

/// A file holds so many rules at most; further ones are in files it extends.
const RULES_IN_FILE: usize = 2_500;

fn policy_texts(size: usize) -> Vec<(String, String)> {
    let files = size.div_ceil(RULES_IN_FILE);
    (0..files)
        .map(|file| {
            let mut text = format!("aegis: policy/v1\nname: bench{file}\ndefault: ask\n");
            if file + 1 < files {
                writeln!(text, "extends: [part{}.yaml]", file + 1).unwrap();
            }
            text.push_str("rules:\n");
            let numbers = file * RULES_IN_FILE..size.min((file + 1) * RULES_IN_FILE);
            numbers.for_each(|number| push_rule(&mut text, number));
            (format!("part{file}.yaml"), text)
        })
        .collect()
}

fn push_rule(text: &mut String, number: usize) {
    let verdict = ["deny", "ask", "allow"][number % 3];
    let matcher = match number % 10 {
        0 => {
            format!(r#"tool: Bash, params: {{command: {{regex: "(?i)drop table t{number}\\b"}}}}"#)
        }
        1 => format!(
            r#"tool: Bash, params: {{command: {{regex: "curl .*https?://host{number}\\.example\\.org"}}}}"#
        ),
        2 => format!(
            r#"tool: Bash, params: {{command: {{regex: "(deploy|release)-{number} --(prod|staging)"}}}}"#
        ),
        3 | 4 => format!(
            "tool: {}, params: {{table: {{equals: table{number}}}}}",
            tool(number)
        ),
        5 => format!(
            "tool: \"mcp__server{}__*\", params: {{name: {{glob: \"item{number}-*\"}}}}",
            number % 20
        ),
        6 => format!("shell: {{program: program{number}, subcommand: push, flags: [--force]}}"),
        7 => format!(
            "tool: Bash, shell: {{program: git, subcommand: sub{number}, flags: [--force]}}"
        ),
        8 => format!("tool: [Read, Write], path: \"~/folder{number}/**\""),
        _ => format!("path: {{glob: \"./area{number}/**\", access: [write]}}"),
    };
    writeln!(
        text,
        "  - {{id: r{number}, match: {{{matcher}}}, verdict: {verdict}, message: Rule {number} of the mix}}"
    )
    .unwrap();
}

fn requests() -> Vec<ActionRequest> {
    let mut requests = vec![
        bash("cargo test --all"),
        bash("git push origin main --force"),
        bash("git status"),
        bash("curl -s https://host1.example.org/x"),
        bash("ls -la src"),
        bash("deploy-2 --prod"),
        bash(&long_command()),
    ];
    for number in [3, 44, 105, 137, 15, 196] {
        let params = json!({"table": format!("table{number}"), "name": "item5-x", "limit": 10});
        requests.push(request(&tool(number), Action::McpCall, params));
    }
    for (number, path) in [
        "/home/ann/shop/src/main.rs",
        "/home/ann/shop/area9/a.rs",
        "/home/ann/folder8/a",
        "/home/ann/.config/x",
        "/etc/hosts",
        "/home/ann/shop/Cargo.toml",
    ]
    .into_iter()
    .enumerate()
    {
        let (tool, action, access) = if number % 2 == 0 {
            ("Read", Action::FsRead, Access::READ)
        } else {
            ("Write", Action::FsWrite, Access::WRITE)
        };
        let mut file = request(tool, action, json!({"file_path": path}));
        file.context.paths.push(PathFact {
            written: path.to_owned(),
            resolved: Some(path.to_owned()),
            identity: None,
            access,
            unknown: false,
            listed: false,
            causes: Vec::new(),
        });
        requests.push(file);
    }
    requests.push(request(
        "WebFetch",
        Action::NetFetch,
        json!({"url": "https://example.org"}),
    ));
    requests
}

fn is_long(request: &ActionRequest) -> bool {
    request.params["command"]
        .as_str()
        .is_some_and(|command| command.len() > 4_000)
}

/// A script of 8 KB as an agent writes them.
fn long_command() -> String {
    let mut command = String::from("cat > build.py");
    while command.len() < 8_192 {
        let line = command.len();
        write!(
            command,
            "\nprint('building step {line} of the shop: copy, compile, link and test')"
        )
        .unwrap();
    }
    command
}

/// A command of 8 KB that is made of what the rules look for, short of its end.
fn near_misses(size: usize) -> ActionRequest {
    let mut command = String::from("echo");
    let mut number = 0;
    while command.len() < 8_192 {
        write!(
            command,
            " drop table u{number} https://host{number}_example.org release-{number} --test"
        )
        .unwrap();
        number = (number + 10) % size.max(10);
    }
    bash(&command)
}

fn bash(command: &str) -> ActionRequest {
    let mut request = request("Bash", Action::ShellExec, json!({"command": command}));
    let word = |text: &str| Word {
        span: Span::default(),
        parts: vec![WordPart::Literal(text.to_owned())],
        ..Word::default()
    };
    let mut words = command.split_whitespace().map(word);
    request.context.plan = Some(Plan {
        commands: vec![Command {
            span: Span::default(),
            program: words.next(),
            arguments: words.collect(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            through: Vec::new(),
            directory: Directory::Start,
            place: Place::default(),
        }],
        ..Plan::default()
    });
    request
}

/// A command line of five parts, with the paths that they touch.
fn compound() -> ActionRequest {
    let command = "cd src && git status; cat a/b.rs | grep -n x && cargo build --release";
    let mut request = request("Bash", Action::ShellExec, json!({"command": command}));
    let plan = aegis_shell::plan(command);
    let touched = plan.commands.iter().flat_map(|command| &command.arguments);
    request.context.paths = touched
        .map(|word| PathFact {
            written: word.literal().unwrap(),
            resolved: Some(format!("/home/ann/shop/{}", word.literal().unwrap())),
            identity: None,
            access: Access::READ,
            unknown: false,
            listed: false,
            causes: vec![word.span],
        })
        .collect();
    request.context.plan = Some(plan);
    request
}

fn request(tool: &str, action: Action, params: Value) -> ActionRequest {
    serde_json::from_value(json!({
        "call_id": "call-1",
        "at": 1_700_000_000_000_i64,
        "principal": {"tenant": "local", "session": "session-1", "agent": "agent-1"},
        "action": action,
        "tool_name": tool,
        "args": params,
        "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
    }))
    .unwrap()
}
