//! The command lines of the service.

use std::net::SocketAddr;
use std::path::PathBuf;

use aegis_api::Address;
use aegis_gate::EventOrder;
use aegis_host::SERVICE_USER;
use aegis_types::{AgentId, DurationMs, TenantId};
use clap::{Args, Subcommand, ValueEnum};

/// Reads where to listen.
fn listening(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as `127.0.0.1:8080`".to_owned())
}

/// Reads for whom a token is.
fn named(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("write who uses the token".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Reads how long a token holds.
fn lasting(text: &str) -> Result<DurationMs, String> {
    match text.parse::<DurationMs>() {
        Ok(within) if within.as_ms() > 0 => Ok(within),
        Ok(_) => Err("it would be over at once; write for example `90d`".to_owned()),
        Err(error) => Err(format!("{error}; write for example `90d`")),
    }
}

/// Where and how the service listens.
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// A file of settings, such as `aegis.yaml`; flags count more.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The socket; `aegis.sock` in the folder of state when absent.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Who may connect to the socket, as an octal mode.
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = octal)]
    pub(crate) socket_mode: u32,
    /// A port to listen at as well, such as `127.0.0.1:8080`; callers need a token there.
    #[arg(long, value_name = "ADDRESS", value_parser = listening)]
    pub(crate) listen: Option<SocketAddr>,
    /// How each request is written down on standard error.
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) access_log: Option<AccessLogForm>,
    /// Listen in clear text at an address that others on the network can reach.
    #[arg(long)]
    pub(crate) clear_text: bool,
    #[command(flatten)]
    pub(crate) tls: ServeTlsArguments,
    /// Which events of clients may follow which.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    pub(crate) event_order: OrderName,
}

/// What the port needs for TLS.
#[derive(Args, Debug)]
pub(crate) struct ServeTlsArguments {
    /// The certificate of the port, with those that lead to its authority; the port speaks TLS.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of that certificate, which nobody else may read.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The authorities whose certificates clients show.
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,
    /// Whether a client must show a certificate (required).
    #[arg(long, value_name = "DEMAND", value_enum)]
    pub(crate) client_auth: Option<ClientDemand>,
    /// The file that says whom certificates name.
    #[arg(long, value_name = "FILE")]
    pub(crate) principals: Option<PathBuf>,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ClientDemand {
    /// It must.
    Required,
    /// It may.
    Optional,
}

/// Which events of clients may follow which.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum OrderName {
    /// Any may follow any other, and kinds may have any name.
    #[default]
    Any,
    /// Kinds are known, and what ends something follows what began it.
    Paired,
}

impl From<OrderName> for EventOrder {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Any => Self::Any,
            OrderName::Paired => Self::Paired,
        }
    }
}

/// What to do with the service of this user.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Start it, unless it runs.
    Start,
    /// Let it finish what it has in hand, and end it.
    Stop,
    /// Say whether it runs and answers; exit 1 if it does not run, 3 if it is full, 4 if it hangs.
    Status,
}

/// The service to put in place.
#[derive(Args, Debug)]
pub(crate) struct InstallServiceArguments {
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Put the files below this folder and leave accounts and systemd alone, as for a package.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
    /// The account of the service.
    #[arg(long, value_name = "NAME", default_value = SERVICE_USER)]
    pub(crate) user: String,
    /// Do not start it.
    #[arg(long)]
    pub(crate) no_start: bool,
}

/// The service to take away.
#[derive(Args, Debug)]
pub(crate) struct UninstallServiceArguments {
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The folder below which it lies.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Remove the log, its keys and what was changed by hand as well.
    #[arg(long)]
    pub(crate) purge: bool,
    /// Leave systemd alone; the service must not run.
    #[arg(long)]
    pub(crate) no_stop: bool,
}

/// How the service writes down what it answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum AccessLogForm {
    /// Not at all.
    Off,
    /// Lines for people.
    Text,
    /// Lines of JSON.
    Json,
}

/// Which service to ask instead of the files of this machine.
#[derive(Args, Debug)]
pub(crate) struct ServerArguments {
    /// Ask the service at this address, such as `unix:/run/aegis/aegis.sock`; `AEGIS_SERVER`
    /// when absent.
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(crate) server: Option<Address>,
    /// A file that holds the token for the service; `AEGIS_TOKEN` when absent.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,
}

/// By what a service is known, and by what it knows its client.
#[derive(Args, Debug)]
pub(crate) struct ClientTlsArguments {
    /// The authorities that may have signed the service's certificate; `https://` needs them.
    #[arg(long, value_name = "FILE", env = "AEGIS_CA", global = true)]
    pub(crate) ca: Option<PathBuf>,
    /// The certificate that is shown to the service.
    #[arg(long, value_name = "FILE", env = "AEGIS_CERT", global = true)]
    pub(crate) cert: Option<PathBuf>,
    /// The key of that certificate, which nobody else may read.
    #[arg(long, value_name = "FILE", env = "AEGIS_KEY", global = true)]
    pub(crate) key: Option<PathBuf>,
}

/// What to do with tokens, and where they are.
#[derive(Args, Debug)]
pub(crate) struct TokenArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this one time.
    Create(NewTokenArguments),
    /// Show which tokens there are.
    List,
    /// Let a token hold no longer.
    Revoke {
        /// The name of its record, as `list` shows it.
        id: String,
    },
}

/// The token to make.
#[derive(Args, Debug)]
pub(crate) struct NewTokenArguments {
    /// Who uses it, for the record.
    #[arg(long, value_parser = named)]
    pub(crate) name: String,
    /// What it lets do.
    #[arg(long = "role", value_name = "ROLE", required = true, value_enum)]
    pub(crate) roles: Vec<RoleName>,
    /// Whose sessions it opens; those of this machine when absent.
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<TenantId>,
    /// An agent in whose name it lets act; any when absent.
    #[arg(long = "agent", value_name = "AGENT")]
    pub(crate) agents: Vec<AgentId>,
    /// How long it holds, such as `90d`; until it is revoked when absent.
    #[arg(long, value_name = "DURATION", value_parser = lasting)]
    pub(crate) expires_in: Option<DurationMs>,
}

/// What a token lets do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RoleName {
    /// Propose actions and report what became of them.
    Agent,
    /// Answer approvals.
    Approver,
    /// Read the log.
    Auditor,
    /// Run the service.
    Operator,
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        Ok(_) | Err(_) => Err("a mode is an octal number up to 777".to_owned()),
    }
}
