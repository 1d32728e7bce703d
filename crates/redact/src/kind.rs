//! What kinds of secrets there are.

use std::fmt;

/// What a secret is for, as far as its shape, place or name tells.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum SecretKind {
    /// An age identity.
    AgeKey,
    /// An Anthropic API or admin key.
    AnthropicKey,
    /// The value of a key named like an API key.
    ApiKey,
    /// The credentials of an authorization header.
    Authorization,
    /// An AWS access key id.
    AwsKey,
    /// The client secret of an Entra application.
    AzureClientSecret,
    /// A connection string that holds credentials.
    ConnectionString,
    /// A DigitalOcean token.
    DigitalOceanToken,
    /// A Discord bot token.
    DiscordToken,
    /// A Dropbox token.
    DropboxToken,
    /// A Google Cloud API key.
    GcpKey,
    /// A GitHub token.
    GithubToken,
    /// A GitLab token.
    GitlabToken,
    /// A Heroku key.
    HerokuKey,
    /// A JSON web token.
    Jwt,
    /// A Mailchimp key.
    MailchimpKey,
    /// A Mailgun key.
    MailgunKey,
    /// An npm token.
    NpmToken,
    /// An OpenAI key.
    OpenAiKey,
    /// A password by name or place.
    Password,
    /// A private key.
    PrivateKey,
    /// A PyPI token.
    PypiToken,
    /// The value of a key named like a secret.
    Secret,
    /// A SendGrid key.
    SendgridKey,
    /// A token of another service, known by its shape.
    ServiceToken,
    /// A Shopify token.
    ShopifyToken,
    /// A Slack token.
    SlackToken,
    /// A Square token.
    SquareToken,
    /// A Stripe key.
    StripeKey,
    /// A Telegram bot token.
    TelegramToken,
    /// The value of a key named like a token.
    Token,
    /// A Twilio key.
    TwilioKey,
    /// JSON that is nested too deeply to be searched.
    Unexamined,
    /// The password in a URL.
    UrlPassword,
    /// A HashiCorp Vault token.
    VaultToken,
    /// A web hook's address, which is its own credential.
    Webhook,
}

impl SecretKind {
    /// Returns the name as it stands in a redaction.
    pub const fn name(self) -> &'static str {
        match self {
            SecretKind::AgeKey => "age-key",
            SecretKind::AnthropicKey => "anthropic-key",
            SecretKind::ApiKey => "api-key",
            SecretKind::Authorization => "authorization",
            SecretKind::AwsKey => "aws-key",
            SecretKind::AzureClientSecret => "azure-client-secret",
            SecretKind::ConnectionString => "connection-string",
            SecretKind::DigitalOceanToken => "digitalocean-token",
            SecretKind::DiscordToken => "discord-token",
            SecretKind::DropboxToken => "dropbox-token",
            SecretKind::GcpKey => "gcp-key",
            SecretKind::GithubToken => "github-token",
            SecretKind::GitlabToken => "gitlab-token",
            SecretKind::HerokuKey => "heroku-key",
            SecretKind::Jwt => "jwt",
            SecretKind::MailchimpKey => "mailchimp-key",
            SecretKind::MailgunKey => "mailgun-key",
            SecretKind::NpmToken => "npm-token",
            SecretKind::OpenAiKey => "openai-key",
            SecretKind::Password => "password",
            SecretKind::PrivateKey => "private-key",
            SecretKind::PypiToken => "pypi-token",
            SecretKind::Secret => "secret",
            SecretKind::SendgridKey => "sendgrid-key",
            SecretKind::ServiceToken => "service-token",
            SecretKind::ShopifyToken => "shopify-token",
            SecretKind::SlackToken => "slack-token",
            SecretKind::SquareToken => "square-token",
            SecretKind::StripeKey => "stripe-key",
            SecretKind::TelegramToken => "telegram-token",
            SecretKind::Token => "token",
            SecretKind::TwilioKey => "twilio-key",
            SecretKind::Unexamined => "unexamined",
            SecretKind::UrlPassword => "url-password",
            SecretKind::VaultToken => "vault-token",
            SecretKind::Webhook => "webhook",
        }
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
