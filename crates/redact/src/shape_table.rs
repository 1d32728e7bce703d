//! The shapes of the tokens that services give out.

use crate::kind::SecretKind;
use crate::shape::Alphabet::{Alnum, Base64, Digits, Dotted, Hex, Upper, Word};
use crate::shape::{Part, Shape, Start};

/// More than any run of a bounded shape, and few enough that trying one at
/// each place of a hostile text stays cheap.
const LONG: usize = 512;

const fn shape(kind: SecretKind, start: Start, parts: &'static [Part]) -> Shape {
    Shape {
        kind,
        start,
        parts,
        needs_digit: true,
    }
}

/// A token whose first text is like nothing else.
macro_rules! anywhere {
    ($kind:ident, $text:literal, $alphabet:ident, $min:expr, $max:expr) => {
        shape(
            SecretKind::$kind,
            Start::Anywhere,
            &[Part::Text($text), Part::Run($alphabet, $min, $max)],
        )
    };
}

/// A token whose first text also occurs within words.
macro_rules! word {
    ($kind:ident, $text:literal, $alphabet:ident, $min:expr, $max:expr) => {
        shape(
            SecretKind::$kind,
            Start::Word,
            &[Part::Text($text), Part::Run($alphabet, $min, $max)],
        )
    };
}

/// All shapes that start with a fixed text.
///
/// Of shapes that fit at one place the first counts, so longer first texts
/// come before their beginnings.
pub(crate) static SHAPES: &[Shape] = &[
    // Code hosts and package registries.
    anywhere!(GithubToken, "ghp_", Alnum, 30, LONG),
    anywhere!(GithubToken, "gho_", Alnum, 30, LONG),
    anywhere!(GithubToken, "ghu_", Alnum, 30, LONG),
    anywhere!(GithubToken, "ghs_", Dotted, 30, LONG),
    anywhere!(GithubToken, "ghr_", Alnum, 30, LONG),
    anywhere!(GithubToken, "github_pat_", Word, 22, LONG),
    anywhere!(GitlabToken, "glpat-", Dotted, 20, LONG),
    word!(GitlabToken, "gldt-", Word, 20, LONG),
    word!(GitlabToken, "glrt-", Dotted, 20, LONG),
    word!(GitlabToken, "glrtr-", Dotted, 20, LONG),
    word!(GitlabToken, "glft-", Word, 20, LONG),
    word!(GitlabToken, "glcbt-", Word, 20, LONG),
    word!(GitlabToken, "glptt-", Word, 40, 40),
    word!(GitlabToken, "glimt-", Word, 25, LONG),
    word!(GitlabToken, "glsoat-", Word, 20, LONG),
    word!(GitlabToken, "gloas-", Word, 64, LONG),
    word!(GitlabToken, "glffct-", Word, 20, LONG),
    word!(GitlabToken, "glwt-", Word, 20, LONG),
    word!(GitlabToken, "glagent-", Word, 50, LONG),
    word!(GitlabToken, "GR1348941", Word, 20, LONG),
    word!(NpmToken, "npm_", Alnum, 36, 64),
    anywhere!(PypiToken, "pypi-AgE", Word, 50, LONG),
    word!(ServiceToken, "rubygems_", Hex, 48, 48),
    word!(ServiceToken, "CLOJARS_", Alnum, 60, 60),
    word!(ServiceToken, "oy2", Alnum, 43, 43),
    word!(ServiceToken, "dckr_pat_", Word, 27, LONG),
    word!(ServiceToken, "dckr_oat_", Word, 32, LONG),
    word!(ServiceToken, "AKCp", Alnum, 66, 80),
    word!(ServiceToken, "cmVmd", Alnum, 59, 59),
    word!(ServiceToken, "ATATT3", Base64, 60, LONG),
    word!(ServiceToken, "ATCTT3", Base64, 60, LONG),
    word!(ServiceToken, "ATBB", Alnum, 28, 40),
    word!(ServiceToken, "sgp_local_", Hex, 40, 40),
    shape(
        SecretKind::ServiceToken,
        Start::Word,
        &[
            Part::Text("sgp_"),
            Part::Run(Hex, 16, 16),
            Part::Text("_"),
            Part::Run(Hex, 40, 40),
        ],
    ),
    word!(ServiceToken, "sgp_", Hex, 40, 40),
    word!(ServiceToken, "sonar", Alnum, 40, 48),
    // Clouds.
    word!(AwsKey, "AKIA", Upper, 16, 16),
    word!(AwsKey, "ASIA", Upper, 16, 16),
    word!(AwsKey, "ABIA", Upper, 16, 16),
    word!(AwsKey, "ACCA", Upper, 16, 16),
    word!(AwsKey, "A3T", Upper, 17, 17),
    word!(AwsKey, "ABSKQmVkcm9ja", Base64, 60, LONG),
    word!(AwsKey, "bedrock-api-key-YmVkcm9ja", Base64, 40, LONG),
    anywhere!(GcpKey, "AIza", Word, 35, 35),
    word!(GcpKey, "GOCSPX-", Word, 28, 28),
    word!(GcpKey, "ya29.", Word, 20, LONG),
    anywhere!(DigitalOceanToken, "dop_v1_", Hex, 64, 64),
    anywhere!(DigitalOceanToken, "doo_v1_", Hex, 64, 64),
    anywhere!(DigitalOceanToken, "dor_v1_", Hex, 64, 64),
    word!(HerokuKey, "HRKU-", Word, 30, LONG),
    word!(ServiceToken, "LTAI", Alnum, 17, 26),
    word!(ServiceToken, "AKID", Alnum, 32, 32),
    word!(ServiceToken, "dapi", Hex, 32, 32),
    shape(
        SecretKind::ServiceToken,
        Start::Word,
        &[
            Part::Text("dapi"),
            Part::Run(Hex, 32, 32),
            Part::Text("-"),
            Part::Run(Digits, 1, 2),
        ],
    ),
    anywhere!(VaultToken, "hvs.", Word, 24, LONG),
    anywhere!(VaultToken, "hvb.", Word, 90, LONG),
    anywhere!(VaultToken, "hvr.", Word, 24, LONG),
    word!(VaultToken, "s.", Alnum, 24, 24),
    word!(ServiceToken, "pul-", Hex, 40, 40),
    word!(ServiceToken, "dp.pt.", Alnum, 40, 48),
    word!(ServiceToken, "dp.st.", Dotted, 40, 80),
    word!(ServiceToken, "dp.sa.", Alnum, 40, 48),
    word!(ServiceToken, "dp.ct.", Alnum, 40, 48),
    word!(ServiceToken, "sha256~", Word, 43, 43),
    word!(ServiceToken, "pscale_tkn_", Dotted, 32, 64),
    word!(ServiceToken, "pscale_oauth_", Dotted, 32, 64),
    word!(ServiceToken, "pscale_pw_", Dotted, 32, 64),
    word!(ServiceToken, "sbp_", Hex, 40, 40),
    word!(ServiceToken, "sb_secret_", Word, 20, LONG),
    word!(ServiceToken, "napi_", Alnum, 60, 70),
    word!(ServiceToken, "fo1_", Word, 43, 43),
    word!(ServiceToken, "fm1r_", Base64, 60, LONG),
    word!(ServiceToken, "fm2_", Base64, 60, LONG),
    word!(ServiceToken, "v1.0-", Word, 100, LONG),
    word!(ServiceToken, "tskey-", Word, 20, LONG),
    word!(ServiceToken, "nfp_", Alnum, 36, 64),
    word!(ServiceToken, "vcp_", Alnum, 24, 80),
    word!(ServiceToken, "t1.", Dotted, 100, LONG),
    word!(ServiceToken, "AQVN", Word, 35, 38),
    word!(ServiceToken, "YCAJE", Word, 20, 20),
    word!(ServiceToken, "pnu_", Alnum, 36, 36),
    word!(ServiceToken, "prefect_", Alnum, 30, 60),
    // Models.
    anywhere!(AnthropicKey, "sk-ant-", Word, 32, LONG),
    anywhere!(OpenAiKey, "sk-proj-", Word, 32, LONG),
    anywhere!(OpenAiKey, "sk-svcacct-", Word, 32, LONG),
    anywhere!(OpenAiKey, "sk-admin-", Word, 32, LONG),
    word!(OpenAiKey, "sk-or-v1-", Hex, 64, 64),
    word!(OpenAiKey, "sk-", Alnum, 32, 64),
    Shape {
        needs_digit: false,
        ..word!(ServiceToken, "hf_", Alnum, 34, 40)
    },
    Shape {
        needs_digit: false,
        ..word!(ServiceToken, "api_org_", Alnum, 34, 34)
    },
    word!(ServiceToken, "r8_", Alnum, 37, 37),
    word!(ServiceToken, "xai-", Alnum, 70, 90),
    word!(ServiceToken, "gsk_", Alnum, 48, 60),
    word!(ServiceToken, "pplx-", Alnum, 48, 60),
    word!(ServiceToken, "lsv2_pt_", Word, 40, 60),
    word!(ServiceToken, "lsv2_sk_", Word, 40, 60),
    word!(ServiceToken, "pcsk_", Word, 40, LONG),
    word!(ServiceToken, "tvly-", Word, 20, 64),
    // Messages and mail.
    anywhere!(SlackToken, "xoxb-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxa-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxp-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxr-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxs-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxo-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxc-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxd-", Base64, 16, LONG),
    anywhere!(SlackToken, "xoxe-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxe.xoxb-", Word, 16, LONG),
    anywhere!(SlackToken, "xoxe.xoxp-", Word, 16, LONG),
    word!(SlackToken, "xapp-", Word, 16, LONG),
    word!(SendgridKey, "SG.", Dotted, 66, 66),
    word!(TwilioKey, "SK", Hex, 32, 32),
    word!(TwilioKey, "AC", Hex, 32, 32),
    shape(SecretKind::DiscordToken, Start::Word, &DISCORD_M),
    shape(SecretKind::DiscordToken, Start::Word, &DISCORD_N),
    shape(SecretKind::DiscordToken, Start::Word, &DISCORD_O),
    word!(MailgunKey, "key-", Hex, 32, 32),
    word!(MailgunKey, "pubkey-", Hex, 32, 32),
    word!(ServiceToken, "xkeysib-", Word, 64, 96),
    word!(ServiceToken, "xsmtpsib-", Word, 64, 96),
    word!(ServiceToken, "re_", Word, 32, 40),
    // Payments and shops.
    anywhere!(StripeKey, "sk_live_", Alnum, 16, LONG),
    anywhere!(StripeKey, "sk_test_", Alnum, 16, LONG),
    anywhere!(StripeKey, "sk_prod_", Alnum, 16, LONG),
    anywhere!(StripeKey, "rk_live_", Alnum, 16, LONG),
    anywhere!(StripeKey, "rk_test_", Alnum, 16, LONG),
    anywhere!(StripeKey, "rk_prod_", Alnum, 16, LONG),
    word!(StripeKey, "whsec_", Base64, 24, LONG),
    anywhere!(ShopifyToken, "shpat_", Hex, 32, 32),
    anywhere!(ShopifyToken, "shpca_", Hex, 32, 32),
    anywhere!(ShopifyToken, "shppa_", Hex, 32, 32),
    anywhere!(ShopifyToken, "shpss_", Hex, 32, 32),
    word!(SquareToken, "sq0atp-", Word, 22, 60),
    word!(SquareToken, "sq0csp-", Word, 43, 60),
    word!(SquareToken, "sq0idp-", Word, 22, 60),
    word!(SquareToken, "EAAA", Word, 60, 60),
    word!(ServiceToken, "EAA", Alnum, 80, LONG),
    word!(ServiceToken, "FLWSECK-", Word, 32, 64),
    word!(ServiceToken, "FLWSECK_TEST-", Word, 12, 64),
    word!(ServiceToken, "EZAK", Alnum, 54, 54),
    word!(ServiceToken, "EZTK", Alnum, 54, 54),
    word!(ServiceToken, "shippo_live_", Hex, 40, 40),
    word!(ServiceToken, "shippo_test_", Hex, 40, 40),
    word!(ServiceToken, "duffel_live_", Word, 43, 43),
    word!(ServiceToken, "duffel_test_", Word, 43, 43),
    word!(ServiceToken, "access_token$production$", Word, 32, 64),
    word!(ServiceToken, "plaid-", Word, 36, 64),
    // Files, notes, plans, measurements.
    word!(DropboxToken, "sl.", Word, 100, LONG),
    word!(ServiceToken, "ntn_", Alnum, 43, 50),
    word!(ServiceToken, "secret_", Alnum, 43, 43),
    word!(ServiceToken, "lin_api_", Alnum, 40, 40),
    word!(ServiceToken, "lin_oauth_", Alnum, 40, 64),
    shape(
        SecretKind::ServiceToken,
        Start::Word,
        &[
            Part::Text("pat"),
            Part::Run(Alnum, 14, 14),
            Part::Text("."),
            Part::Run(Hex, 64, 64),
        ],
    ),
    shape(
        SecretKind::ServiceToken,
        Start::Word,
        &[
            Part::Text("pat."),
            Part::Run(Word, 22, 22),
            Part::Text("."),
            Part::Run(Hex, 24, 24),
            Part::Text("."),
            Part::Run(Alnum, 20, 20),
        ],
    ),
    word!(ServiceToken, "pat-na1-", Word, 36, 36),
    word!(ServiceToken, "pat-eu1-", Word, 36, 36),
    word!(ServiceToken, "figd_", Word, 38, 60),
    word!(ServiceToken, "PMAK-", Word, 59, 59),
    word!(ServiceToken, "CFPAT-", Word, 43, 43),
    word!(ServiceToken, "rdme_", Alnum, 70, 70),
    word!(ServiceToken, "fio-u-", Word, 64, 64),
    word!(ServiceToken, "tfp_", Dotted, 44, 64),
    word!(ServiceToken, "phc_", Alnum, 40, 48),
    word!(ServiceToken, "phx_", Alnum, 40, 48),
    word!(ServiceToken, "glsa_", Word, 41, 41),
    word!(ServiceToken, "glc_", Base64, 32, LONG),
    word!(ServiceToken, "eyJrIjoi", Base64, 70, LONG),
    shape(
        SecretKind::ServiceToken,
        Start::Word,
        &[
            Part::Text("dt0c01."),
            Part::Run(Alnum, 24, 24),
            Part::Text("."),
            Part::Run(Alnum, 64, 64),
        ],
    ),
    word!(ServiceToken, "NRAK-", Alnum, 27, 27),
    word!(ServiceToken, "NRJS-", Hex, 19, 19),
    word!(ServiceToken, "NRRA-", Hex, 42, 42),
    word!(ServiceToken, "NRIQ-", Word, 32, 32),
    word!(ServiceToken, "NRII-", Word, 32, 32),
    word!(ServiceToken, "sntrys_", Base64, 60, LONG),
    word!(ServiceToken, "sntryu_", Hex, 64, 64),
    word!(ServiceToken, "ico-", Alnum, 32, 32),
    word!(ServiceToken, "tk-us-", Word, 48, 48),
    word!(ServiceToken, "dnkey-", Word, 79, 79),
    word!(ServiceToken, "aio_", Alnum, 28, 28),
    word!(ServiceToken, "s-s4t2ud-", Hex, 64, 64),
    word!(ServiceToken, "s-s4t2af-", Hex, 64, 64),
    // Passwords' keepers and keys.
    anywhere!(ServiceToken, "ops_eyJ", Base64, 250, 4096),
    word!(ServiceToken, "A3-", Word, 32, 40),
    anywhere!(AgeKey, "AGE-SECRET-KEY-1", Upper, 58, 58),
    shape(
        SecretKind::Jwt,
        Start::Run,
        &[
            Part::Text("ey"),
            Part::Run(Word, 15, usize::MAX),
            Part::Text(".ey"),
            Part::Run(Base64, 10, usize::MAX),
            Part::Text("."),
            Part::Run(Base64, 10, usize::MAX),
        ],
    ),
    shape(
        SecretKind::Jwt,
        Start::Run,
        &[
            Part::Text("eyJ"),
            Part::Run(Word, 15, usize::MAX),
            Part::Text(".eyJ"),
            Part::Run(Word, 15, usize::MAX),
        ],
    ),
];

const DISCORD_M: [Part; 6] = discord("M");
const DISCORD_N: [Part; 6] = discord("N");
const DISCORD_O: [Part; 6] = discord("O");

/// A user id in base 64, a time and a signature.
const fn discord(first: &'static str) -> [Part; 6] {
    [
        Part::Text(first),
        Part::Run(Word, 23, 25),
        Part::Text("."),
        Part::Run(Word, 6, 7),
        Part::Text("."),
        Part::Run(Word, 27, 45),
    ]
}
