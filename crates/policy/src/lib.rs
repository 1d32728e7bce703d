//! Policy text, checked.
//!
//! A policy is text in one of several spellings; each parses once into the same
//! [`Policy`], and a `Policy` is always sound. Loading is strict: every problem
//! of a file is found in one pass and told with its place. The crate is given
//! its sources and does no I/O.

mod matcher;
mod pattern;
mod rule;
mod when;
mod witness;

mod problem;
mod source;

mod action_rules;
mod document;
mod extend;
mod firewall;
mod native;
mod pack;
mod parse;
mod permissions;

mod cases;
mod lint;
mod narrow;
mod yaml;

mod principals_file;
mod service_file;
mod sql;

mod cache;
mod compiled;
mod holds;
mod index;
mod truth;

pub use cache::ReadCacheError;
pub use cases::{Asked, Case, Circumstances, Expected, PolicyTests, TestedPolicy, parse_tests};
pub use compiled::Compiled;
pub use document::{ParseDocumentError, parse_document, policy_digest, policy_document};
pub use holds::Facts;
pub use lint::{LintCode, fixed, lint, tool_names};
pub use matcher::{
    Bound, HostPattern, Matcher, OptionPattern, ParamCondition, ParamTest, PathPattern, Scalar,
    ShellPattern,
};
pub use narrow::{
    CannotInsert, CannotNarrow, NarrowExample, NarrowRule, Widening, allows_part, narrowest,
    with_rules,
};
pub use pack::{pack, pack_names, pack_tests};
pub use parse::{Kind, Parsed, detect, nearest, parse};
pub use pattern::{Glob, Pattern};
pub use permissions::{Exported, Imported, LeftOut, export_permissions, import_permissions};
pub use principals_file::{CertificateName, NamedPrincipal, parse_principals_file};
pub use problem::{Paint, Problem, ProblemCode, Problems, Related, Severity, Suggestion, render};
pub use rule::{Example, Examples, Limit, Place, Policy, Rule, SourceRef, Spelling};
pub use service_file::{
    LogFormat, LogLevel, ServiceClients, ServiceFile, ServiceTls, StorePlace, TrustMode,
    parse_address, parse_service_file, parse_store,
};
pub use source::{LoadSourceError, MemorySources, Source, Sources, resolve};
pub use sql::SqlKind;
pub use truth::{Truth, WhyNot, WhyUnknown};
pub use when::{CallsWindow, DayTime, ScopeName, TierBound, TimeWindow, Weekday, When, Zone};
pub use witness::{Beside, Probe, witnesses};
