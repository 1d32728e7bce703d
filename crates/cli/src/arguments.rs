//! The command line of `aegis`.

mod control_plane;

mod install;

mod keep;

mod service;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use aegis_policy::LintCode;
use aegis_types::Verdict;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::control_plane::{
    AegisctlArguments, AegisctlCommand, AegisdArguments, ManifestCommand, SessionArguments,
};
pub(crate) use self::install::{
    DaemonUnitArguments, HostName, InstallArguments, InstallCommand, PlaceArguments,
    UninstallArguments, UninstallCommand,
};
pub(crate) use self::keep::{BackupArguments, EraseArguments, PruneArguments, RestoreArguments};
pub(crate) use self::service::{
    AccessLogForm, ClientDemand, ClientTlsArguments, DaemonCommand, InstallServiceArguments,
    NewTokenArguments, RoleName, ServeArguments, ServeTlsArguments, ServerArguments,
    TokenArguments, TokenCommand, UninstallServiceArguments,
};

/// Stands between an AI agent and the world: decides, records, explains.
#[derive(Debug, Parser)]
#[command(
    name = "aegis",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 the answer is no, 2 usage, invalid input or not permitted, \
                  3 environment, 4 timed out, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch Aegis govern a scripted agent: no client and no network needed.
    Demo(DemoArguments),
    /// Make `.aegis/` with settings and a first policy in this folder.
    Init(InitArguments),
    /// Register Aegis with an agent's host, or put its service under an account of its own.
    #[command(subcommand)]
    Install(InstallCommand),
    /// Remove what `install` added, and nothing else.
    #[command(subcommand)]
    Uninstall(UninstallCommand),
    /// Look for what is wrong, and say what to do about it.
    Doctor,
    /// Answer one hook event of an agent's host (reads standard input).
    Hook,
    /// Decide for many agents over a socket of this machine or a port, until stopped.
    Serve(ServeArguments),
    /// Start, stop and see the service of this user in the background.
    #[command(subcommand)]
    Daemon(DaemonCommand),
    /// Make, list and revoke the tokens by which callers of the service name themselves.
    Token(TokenArguments),
    /// Trust a project's settings or policy file as it is now, so that it may also loosen.
    Trust(TrustArguments),
    /// Check files of any kind that Aegis reads; the kind is found by itself.
    Validate(ValidateArguments),
    /// Print the JSON Schema of a kind of file.
    Schema(SchemaArguments),
    /// Check, explain and show policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look into the log, verify it, decide it again.
    #[command(visible_alias = "audit")]
    Log(LogArguments),
    /// Answer what waits for a person.
    Approvals(ApprovalsArguments),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder.
    Man {
        /// The folder.
        folder: PathBuf,
    },
    /// Print the version, and those of the formats.
    Version,
}

/// How the demonstration runs.
#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// Show the envelopes of the log at the end.
    #[arg(long)]
    pub(crate) envelopes: bool,
    /// Do not pause between the steps.
    #[arg(long)]
    pub(crate) fast: bool,
}

/// What `init` makes.
#[derive(Args, Debug)]
pub(crate) struct InitArguments {
    /// Replace files that exist.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What to trust.
#[derive(Args, Debug)]
pub(crate) struct TrustArguments {
    /// The files; the project's settings and policy when absent.
    pub(crate) files: Vec<PathBuf>,
    /// Withdraw the trust.
    #[arg(long)]
    pub(crate) revoke: bool,
    /// List what is trusted.
    #[arg(long, conflicts_with_all = ["revoke", "files"])]
    pub(crate) list: bool,
}

/// What to check.
#[derive(Args, Debug)]
pub(crate) struct ValidateArguments {
    /// The files, or folders of files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Which schema.
#[derive(Args, Debug)]
pub(crate) struct SchemaArguments {
    /// The kind of file.
    #[arg(required_unless_present = "all")]
    pub(crate) kind: Option<SchemaKind>,
    /// Write the schemas of every kind into this folder, with a catalog for editors.
    #[arg(long, value_name = "FOLDER", conflicts_with = "kind")]
    pub(crate) all: Option<PathBuf>,
}

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SchemaKind {
    /// A policy in the native spelling.
    Policy,
    /// Tests of a policy.
    PolicyTests,
    /// A policy of a tool firewall.
    Firewall,
    /// Action rules.
    ActionRules,
    /// An exported envelope of the log.
    Envelope,
    /// Settings of a service.
    Service,
    /// Whom the certificates of clients name.
    Principals,
    /// The HTTP interface of the service, as an OpenAPI document.
    Openapi,
}

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check policy files: syntax, meaning, examples.
    Check {
        /// The files; the policies in force here when absent.
        files: Vec<PathBuf>,
    },
    /// Show how a call would be decided, and why.
    Explain(ExplainArguments),
    /// Decide the cases of test files and the examples of policies, and compare.
    Test(TestArguments),
    /// Find what is sound in policies and probably not meant.
    Lint(LintArguments),
    /// Show what another policy would allow, ask about and deny.
    Diff(DiffArguments),
    /// Decide what logs recorded by other policies, and show what would change.
    Backtest(BacktestArguments),
    /// Turn the permission rules of an agent's host into a policy.
    Import(ImportArguments),
    /// Print a policy as the permission rules of an agent's host.
    Export(ExportPolicyArguments),
    /// Propose the narrowest rule that allows what was asked, and show what else it allows.
    Always(AlwaysArguments),
    /// Propose the narrowest rules that allow what was approved, from what a log recorded.
    Suggest(SuggestArguments),
    /// Show a policy as it is in force: a file, or a pack such as `aegis:developer`.
    Show {
        /// The policy; those in force here when absent.
        policy: Option<String>,
    },
}

/// What to import, and where to.
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// A settings file of Claude Code, such as `.claude/settings.json`.
    pub(crate) file: PathBuf,
    /// The file of the policy, which must not be there yet; standard output when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What to export, and for whom.
#[derive(Args, Debug)]
pub(crate) struct ExportPolicyArguments {
    /// The agent's host.
    pub(crate) host: HostName,
    /// The policy: a file, or a pack such as `aegis:developer`.
    pub(crate) policy: String,
}

/// What to test, and what to tell of it.
#[derive(Args, Debug)]
pub(crate) struct TestArguments {
    /// Files of tests or folders of them, policies, or packs; the project's `.aegis/` when absent.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only cases with this text in their name, call or rule.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Test again whenever a file that was read changes, until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Show how many cases reach each rule.
    #[arg(long)]
    pub(crate) coverage: bool,
    /// Fail if cases reach less than this share of a policy's own rules.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) coverage_min: Option<u8>,
    /// Also write the results into this file, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// What to compare.
#[derive(Args, Debug)]
pub(crate) struct DiffArguments {
    /// The policy as it was: a file, or a pack such as `aegis:developer`.
    pub(crate) before: String,
    /// The policy as it would be.
    pub(crate) after: String,
    /// Also compare over what a log recorded; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Vec<PathBuf>,
    /// Show every call that changes.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to decide again, and by what.
#[derive(Args, Debug)]
pub(crate) struct BacktestArguments {
    /// The policies: files, or packs such as `aegis:strict`; those in force here when absent.
    #[arg(value_name = "POLICY")]
    pub(crate) policies: Vec<String>,
    /// A log to read instead of this machine's; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Vec<PathBuf>,
    /// Only this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Show every request that changes.
    #[arg(long)]
    pub(crate) all: bool,
}

/// In what a proposed rule may be wider than the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Wider {
    /// Any arguments of the command, or parameters of the tool.
    Arguments,
    /// Further flags of the command.
    Flags,
    /// Every file in the folders of those that are touched.
    Path,
    /// Any scheme and port of the host.
    Host,
}

/// What to allow from then on.
#[derive(Args, Debug)]
pub(crate) struct AlwaysArguments {
    /// The name of the approval, or of the request.
    pub(crate) id: String,
    /// Let the rule be wider in this; may be given several times.
    #[arg(long, value_name = "WHAT")]
    pub(crate) widen: Vec<Wider>,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Show every recorded request that it would allow as well.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Which policy gets the rules, and whether it does.
#[derive(Args, Debug)]
pub(crate) struct TargetArguments {
    /// Write it into this policy, else the user's, before its other rules.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub(crate) write: Option<Option<PathBuf>>,
    /// Take the project's policy instead of the user's.
    #[arg(long)]
    pub(crate) project: bool,
    /// Write it even if it allows an example that a built-in pack asks about or denies.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What to suggest rules from, and what to do with them.
#[derive(Args, Debug)]
pub(crate) struct SuggestArguments {
    /// A log to read instead of this machine's; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Vec<PathBuf>,
    /// Only what was used in this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Let the rules be wider in this; may be given several times.
    #[arg(long, value_name = "WHAT")]
    pub(crate) widen: Vec<Wider>,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Write the policy with the rules into this file, which must not be there yet.
    #[arg(long, short, value_name = "FILE", conflicts_with = "write")]
    pub(crate) output: Option<PathBuf>,
    /// Show everything that was used, left out, or would be allowed as well.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to look over.
#[derive(Args, Debug)]
pub(crate) struct LintArguments {
    /// Policy files or packs; the policies in force here when absent.
    #[arg(value_name = "POLICY")]
    pub(crate) policies: Vec<PathBuf>,
    /// Mend what can be mended without letting more happen.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Pass over findings of this code, such as `L011`.
    #[arg(long, value_name = "CODE", value_parser = lint_code)]
    pub(crate) allow: Vec<LintCode>,
    /// Print what a code means, and nothing else.
    #[arg(long, value_name = "CODE", value_parser = lint_code, conflicts_with_all = ["policies", "fix", "allow"])]
    pub(crate) explain: Option<LintCode>,
}

fn lint_code(text: &str) -> Result<LintCode, String> {
    LintCode::named(text).ok_or_else(|| {
        let codes: Vec<&str> = LintCode::ALL.iter().map(|code| code.as_str()).collect();
        format!("there is no such code; there are {}", codes.join(", "))
    })
}

/// The call to explain.
#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// The tool, as the agent's host names it.
    #[arg(long, default_value = "Bash")]
    pub(crate) tool: String,
    /// The command line of a shell tool.
    #[arg(long, conflicts_with_all = ["params", "log"])]
    pub(crate) command: Option<String>,
    /// The arguments as a JSON object.
    #[arg(long, value_name = "JSON", conflicts_with = "log")]
    pub(crate) params: Option<String>,
    /// A recorded call, by the name the agent's host gave it.
    #[arg(long, value_name = "ID")]
    pub(crate) log: Option<String>,
    /// Policy files to ask instead of those in force here.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// The label of the environment.
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// Show every rule, not only those that come near.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// List the newest decisions.
    List(ListAtArguments),
    /// Show one request with everything recorded about it.
    Show(ShowArguments),
    /// Write envelopes as JSON lines.
    Export(ExportArguments),
    /// Recompute everything and name every fault.
    Verify(VerifyArguments),
    /// Decide recorded requests again and show what differs.
    Replay(ReplayArguments),
    /// Copy the log into one file, also while it is written, and verify the copy.
    Backup(BackupArguments),
    /// Put a backup in the place of the log.
    Restore(RestoreArguments),
    /// Destroy the keys of sealed results, and their ciphertext.
    Erase(EraseArguments),
    /// Let sessions go that are long over, and record that they went.
    Prune(PruneArguments),
}

/// Which log to look into, and how; without a command, decisions are listed.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LogArguments {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    /// List what the database of an action runtime holds, such as `aegis_audit.db`; it is only read.
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) list: ListArguments,
}

/// A verdict to look for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum OnlyVerdict {
    Allow,
    Ask,
    Deny,
}

impl From<OnlyVerdict> for Verdict {
    fn from(only: OnlyVerdict) -> Self {
        match only {
            OnlyVerdict::Allow => Self::Allow,
            OnlyVerdict::Ask => Self::Ask,
            OnlyVerdict::Deny => Self::Deny,
        }
    }
}

/// Reads how many there are at most.
fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "write a whole number, 1 at least".to_owned())
}

/// Which decisions to list.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// Only this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only this verdict.
    #[arg(long)]
    pub(crate) verdict: Option<OnlyVerdict>,
    /// At most this many.
    #[arg(long, default_value = "20", value_parser = at_least_one)]
    pub(crate) limit: NonZeroUsize,
    /// List sessions instead of decisions, all of them.
    #[arg(long, conflicts_with_all = ["session", "verdict", "limit"])]
    pub(crate) sessions: bool,
}

/// Which decisions to list, and where.
#[derive(Args, Debug)]
pub(crate) struct ListAtArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// What to show, and where.
#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The name of the request or of the approval.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// What to export.
#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// Only this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// The file; standard output when absent.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}

/// What to verify.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// A file written by `export` or `backup`, instead of the log here.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Also write every envelope anew and compare the bytes.
    #[arg(long)]
    pub(crate) canonical: bool,
    /// A record as it was kept elsewhere: `TENANT/SESSION@SEQ:HASH`, or `TENANT@SEQ:HASH`
    /// of the heads.
    #[arg(long, value_name = "RECORD")]
    pub(crate) anchor: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// What to decide again.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// Only this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Policy files to decide by, instead of those recorded.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Decide by the policies in force here, instead of those recorded.
    #[arg(long, conflicts_with = "policy")]
    pub(crate) current: bool,
}

/// What to do with approvals, and where they are.
#[derive(Args, Debug)]
pub(crate) struct ApprovalsArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(subcommand)]
    pub(crate) command: ApprovalsCommand,
}

/// What to do with approvals.
#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List what waits.
    List {
        /// Also those that ended.
        #[arg(long)]
        all: bool,
    },
    /// Show one in full.
    Show {
        /// Its name, or the beginning of it.
        id: String,
    },
    /// Let the action happen, once.
    Approve(AnswerArguments),
    /// Do not let the action happen.
    Refuse(AnswerArguments),
    /// Wait for approvals and answer them as they come.
    Watch {
        /// Stop when nothing came for this long, such as `5m`.
        #[arg(long, value_name = "DURATION")]
        idle: Option<String>,
    },
}

/// An answer.
#[derive(Args, Debug)]
pub(crate) struct AnswerArguments {
    /// The approval's name, or the beginning of it.
    pub(crate) id: String,
    /// What to tell the agent.
    #[arg(long)]
    pub(crate) note: Option<String>,
}
