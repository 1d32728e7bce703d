//! The command lines of the programs that the control plane had.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::service::{ClientTlsArguments, OrderName};

/// The service, as the control plane starts it.
#[derive(Debug, Default, Parser)]
#[command(name = "aegisd", version)]
pub(crate) struct AegisdArguments {
    /// The file of settings; flags count more.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the log is kept: a file, or a `file:` address.
    #[arg(long, value_name = "DSN")]
    pub(crate) dsn: Option<String>,
    /// The port to listen at (127.0.0.1:8080).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) addr: Option<String>,
    /// A manifest; refused, because there is no check of manifests yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<String>,
    /// `dev` or `prod`.
    #[arg(long, value_name = "MODE", value_parser = ["dev", "prod"])]
    pub(crate) trust_mode: Option<String>,
    /// The port of an MCP proxy; refused, because there is none in the service yet.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mcp_addr: Option<String>,
    /// How many requests one caller may make in a minute; 0 for any number, -1 as in the file.
    #[arg(long, value_name = "COUNT", default_value = "-1", allow_hyphen_values = true,
          value_parser = clap::value_parser!(i64).range(-1..=1_000_000))]
    pub(crate) rate_limit: i64,
    /// Accepted; there is no telemetry in the service.
    #[arg(long)]
    pub(crate) telemetry_disabled: bool,
    /// A file of traces; refused, because none are written yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) telemetry_path: Option<String>,
    /// Listen in clear text at an address that others on the network can reach.
    #[arg(long)]
    pub(crate) clear_text: bool,
    /// Which events of clients may follow which.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    pub(crate) event_order: OrderName,
}

/// What people ask the service of the control plane.
#[derive(Debug, Parser)]
#[command(name = "aegisctl", version)]
pub(crate) struct AegisctlArguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: AegisctlCommand,
}

/// What to ask.
#[derive(Debug, Subcommand)]
pub(crate) enum AegisctlCommand {
    /// Recompute the chains of a session: exit code 0 if they hold, 1 if not.
    Verify(SessionArguments),
    /// Write every event of a session, one a line.
    Export {
        /// Which session.
        #[command(flatten)]
        session: SessionArguments,
        /// The file; `-` for standard output.
        #[arg(long, value_name = "FILE", default_value = "-")]
        out: String,
    },
    /// Manifests; this version has no check of them.
    #[command(subcommand)]
    Manifest(ManifestCommand),
}

/// What to do with a manifest.
#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Not yet: there is no check of manifests.
    Validate(ManifestArguments),
    /// Not yet: there is no check of manifests.
    Install(ManifestArguments),
    /// Not yet: there is no check of manifests.
    Show(ManifestArguments),
}

/// The manifest.
#[derive(Args, Debug)]
pub(crate) struct ManifestArguments {
    /// The file.
    pub(crate) file: PathBuf,
    /// The folder to look at.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// `dev` or `prod`.
    #[arg(long, value_parser = ["dev", "prod"])]
    pub(crate) trust_mode: Option<String>,
}

/// A session, and the service that knows it.
#[derive(Args, Debug)]
pub(crate) struct SessionArguments {
    /// Whose session it is.
    #[arg(long, alias = "tenant-id")]
    pub(crate) tenant: String,
    /// The session.
    #[arg(long, alias = "session-id")]
    pub(crate) session: String,
    /// The service.
    #[arg(long, value_name = "ADDRESS", default_value = "http://localhost:8080")]
    pub(crate) server: String,
    /// By what you name yourself.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "AEGIS_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,
    /// How many seconds the service has for each answer.
    #[arg(long, value_name = "SECONDS", default_value = "30",
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) timeout: u64,
}
