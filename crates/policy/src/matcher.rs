//! Which requests a rule is about.

use std::sync::Arc;

use aegis_types::{Access, Action, EffectKind, NetworkClass, Risk};
use serde::{Deserialize, Serialize};

use crate::pattern::{Glob, Pattern, shared};
use crate::sql::SqlKind;

/// Which requests a rule is about: every part that is given must hold.
///
/// An empty list says nothing; a list holds when one of its members does.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Matcher {
    /// Names of tools.
    pub tool: Vec<Glob>,
    /// Verbs.
    pub action: Vec<Action>,
    /// What it is done to, as the tool says it.
    pub resource: Vec<Glob>,
    /// Agents.
    pub agent: Vec<Glob>,
    /// Skills.
    pub skill: Vec<Glob>,
    /// The risk that an earlier check or the tool states, at least.
    pub risk: Option<Risk>,
    /// Conditions on parameters; all must hold.
    pub params: Vec<ParamCondition>,
    /// Commands of a shell; a restricting rule holds when one command of the
    /// line is among them, an allowing one when every command is.
    pub shell: Vec<ShellPattern>,
    /// Paths that are touched; likewise.
    pub path: Vec<PathPattern>,
    /// Hosts that are spoken to; likewise.
    pub host: Vec<HostPattern>,
    /// Effects on the world; likewise.
    pub effect: Vec<EffectKind>,
    /// Of these, one must hold.
    pub any: Vec<Matcher>,
    /// Of these, all must hold.
    pub all: Vec<Matcher>,
    /// This must not hold.
    pub not: Option<Box<Matcher>>,
}

/// A condition on one parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ParamCondition {
    /// The path to it: keys and list positions.
    pub path: Vec<Arc<str>>,
    /// What must hold of its value.
    pub test: ParamTest,
}

/// What must hold of a parameter's value.
///
/// A value that is absent or of another type makes the condition unknown.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum ParamTest {
    /// It equals this.
    Equals(Scalar),
    /// It is one of these.
    OneOf(Vec<Scalar>),
    /// It is greater.
    Gt(Bound),
    /// It is at least as great.
    Gte(Bound),
    /// It is smaller.
    Lt(Bound),
    /// It is at most as great.
    Lte(Bound),
    /// It is text with this part, or a list with this member.
    Contains(Scalar),
    /// It is text that this glob matches as a whole.
    Glob(Glob),
    /// This matches somewhere in it: text as it is, numbers and objects as canonical JSON.
    Regex(Pattern),
    /// It is present, or it is absent. Never unknown.
    Present(bool),
}

/// What a parameter is compared with. Only values of its kind are in order with it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Bound {
    /// A whole number; numbers are compared exactly.
    Integer(i64),
    /// The double nearest to a decimal number.
    Decimal(f64),
    /// Text, by its code points.
    Text(#[serde(deserialize_with = "shared")] Arc<str>),
}

/// A plain value in a policy. Numbers are whole.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(#[serde(deserialize_with = "shared")] Arc<str>),
}

/// A command of a shell, by meaning.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ShellPattern {
    /// Names of programs, without their folders.
    pub program: Vec<Glob>,
    /// Subcommands, several words in a row for nested ones.
    pub subcommand: Vec<Glob>,
    /// Flags in any spelling; all must be given.
    pub flags: Vec<Arc<str>>,
    /// Arguments that are no flags; one must match each glob.
    pub arguments: Vec<Glob>,
    /// The program and all its words as written, with one blank between them;
    /// `*` stands for any characters.
    pub line: Vec<Glob>,
    /// Every word after the program, in this order and without another one.
    pub words: Option<Vec<Arc<str>>>,
    /// Options with their values; each must be given one of its values.
    pub options: Vec<OptionPattern>,
    /// What matches somewhere in all that the command is told: the variables set
    /// for it, its program, its words, and the text that it reads.
    pub text: Vec<Pattern>,
    /// What a statement in SQL does that the command is told.
    pub sql: Vec<SqlKind>,
}

/// An option with its value, however they are spelled.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OptionPattern {
    /// One of the option's spellings.
    pub name: Arc<str>,
    /// Its values; `*` stands for any characters.
    pub value: Vec<Glob>,
}

/// A path, resolved.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PathPattern {
    /// Where it lies: `~/…` in the home directory, `./…` in the working
    /// directory, `/…` anywhere, `**/…` at any depth.
    pub glob: Vec<Glob>,
    /// How it is reached for; nothing given means in any way.
    pub access: Access,
}

/// A host.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct HostPattern {
    /// Names; `*.example.org` matches every name below it, and not itself.
    pub name: Vec<Glob>,
    /// Schemes.
    pub scheme: Vec<Arc<str>>,
    /// Ports.
    pub port: Vec<u16>,
    /// Classes of address.
    pub class: Vec<NetworkClass>,
}
