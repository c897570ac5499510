//! Harness to OpenShift.

use super::super::alphabet::{
    ALNUM, ALPHA, B64, DASH, DOT, EQUALS, HEX, LNUM, PLUS, SLASH, UNDER, UNUM, UPPER, URL64,
};
use super::super::format::Piece::{Text, Uuid};
use super::super::format::{Check, Format, Piece, format, run, runs};

pub(super) static FORMATS: &[Format] = &[
    format("harness_key", "pat.", HARNESS),
    format("harness_key", "sat.", HARNESS),
    format("heroku_key", "HRKU-", &[runs(URL64, 36, 64)]),
    format("honeycomb_key", "hcaik_", &[run(LNUM, 58)]),
    format("honeycomb_key", "hcalk_", &[run(LNUM, 58)]),
    format("hubspot_token", "pat-", &[run(LNUM, 3), Text("-"), Uuid]),
    format("huggingface_token", "hf_", &[run(ALPHA, 34)]).check(Check::Drawn),
    format("huggingface_token", "api_org_", &[run(ALPHA, 34)]).check(Check::Drawn),
    format("infracost_key", "ico-", &[run(ALNUM, 32)]).check(Check::NoFile),
    format("intra42_secret", "s-s4t2ud-", &[run(HEX, 64)]),
    format("intra42_secret", "s-s4t2af-", &[run(HEX, 64)]),
    format("jwt", "ey", JWT),
    format("jwt", "ZXlK", &[runs(URL64 | PLUS | SLASH | DOT, 70, 4096), runs(EQUALS, 0, 2)]),
    format("langfuse_key", "sk-lf-", &[Uuid]),
    format("langsmith_key", "lsv2_pt_", &[run(HEX, 32), Text("_"), run(HEX, 10)]),
    format("langsmith_key", "lsv2_sk_", &[run(HEX, 32), Text("_"), run(HEX, 10)]),
    format("langsmith_key", "ls__", &[run(HEX, 32)]),
    format("launchdarkly_key", "api-", &[Uuid]),
    format("launchdarkly_key", "sdk-", &[Uuid]),
    format("linear_key", "lin_api_", &[runs(ALNUM, 40, 48)]),
    format("linear_token", "lin_oauth_", &[runs(ALNUM, 40, 64)]),
    format("lob_key", "live_", &[run(HEX, 35)]),
    format("lob_key", "test_", &[run(HEX, 35)]),
    format("lob_key", "live_pub_", &[run(HEX, 31)]).score(0.6),
    format("lob_key", "test_pub_", &[run(HEX, 31)]).score(0.6),
    format("firecrawl_key", "fc-", &[run(HEX, 32)]),
    format("instagram_token", "IGQ", &[runs(ALNUM, 100, 300)]),
    format("mailgun_key", "key-", &[run(HEX, 32)]),
    format("mailgun_public_key", "pubkey-", &[run(HEX, 32)]).score(0.6),
    format("mailgun_key", "", &[run(LNUM, 32), Text("-"), run(LNUM, 8), Text("-"), run(LNUM, 8)])
        .check(Check::Digit),
    format("mapbox_token", "pk.", &[run(ALNUM, 60), Text("."), run(URL64, 22)]).score(0.6),
    format("mapbox_token", "sk.", &[run(ALNUM, 60), Text("."), run(URL64, 22)]),
    format("mapbox_token", "sk.eyJ", &[runs(ALNUM, 50, 120), Text("."), run(URL64, 22)]),
    format("mapbox_token", "pk.eyJ", &[runs(ALNUM, 50, 120), Text("."), run(URL64, 22)]).score(0.6),
    format("mercury_token", "secret-token:mercury_", &[runs(URL64, 30, 120)]),
    format("mongodb_atlas_secret", "mdb_sa_sk_", &[runs(URL64, 36, 60)]),
    format("nats_nkey_seed", "SA", NKEY),
    format("nats_nkey_seed", "SC", NKEY),
    format("nats_nkey_seed", "SN", NKEY),
    format("nats_nkey_seed", "SO", NKEY),
    format("nats_nkey_seed", "SU", NKEY),
    format("nats_nkey_seed", "SX", NKEY),
    format("neon_key", "napi_", &[runs(LNUM, 60, 70)]),
    format("netlify_token", "nfp_", &[runs(ALNUM, 36, 46)]),
    format("netlify_token", "nfc_", &[runs(ALNUM, 36, 46)]),
    format("netlify_token", "nfo_", &[runs(ALNUM, 36, 46)]),
    format("netlify_token", "nfu_", &[runs(ALNUM, 36, 46)]),
    format("newrelic_key", "NRAK-", &[run(ALNUM, 27)]),
    format("newrelic_key", "NRAA-", &[run(ALNUM, 27)]),
    format("newrelic_key", "NRRA-", &[run(HEX, 42)]),
    format("newrelic_key", "NRII-", &[run(LNUM | UNDER | DASH | UPPER, 32)]),
    format("newrelic_key", "NRIQ-", &[run(LNUM | UNDER | DASH | UPPER, 32)]),
    format("newrelic_key", "NRSP-", &[runs(ALNUM, 25, 40)]),
    format("newrelic_browser_key", "NRJS-", &[run(HEX, 19)]),
    format("notion_token", "ntn_", &[runs(ALNUM, 40, 50)]),
    format("notion_token", "secret_", &[run(ALNUM, 43)]).check(Check::Mixed),
    format("npm_token", "npm_", &[run(ALNUM, 36)]).check(Check::Crc),
    format("npm_token", "NpmToken.", &[Uuid]),
    format("ntlm_message", "TlRMTVNTUAAD", &[runs(B64, 40, 2048), runs(EQUALS, 0, 2)]),
    format("nuget_key", "oy2", &[run(LNUM, 43)]),
    format("nvidia_key", "nvapi-", &[runs(URL64, 40, 80)]),
    format("octopus_key", "API-", &[runs(UNUM, 25, 28)]).check(Check::Digit),
    format("openai_key", "sk-proj-", &[runs(URL64, 30, 240)]),
    format("openai_key", "sk-svcacct-", &[runs(URL64, 30, 240)]),
    format("openai_key", "sk-admin-", &[runs(URL64, 30, 240)]),
    format("openai_key", "sk-None-", &[runs(URL64, 30, 240)]),
    format("openai_key", "sk-", &[run(ALNUM, 48)]).check(Check::Holds("T3BlbkFJ")),
    format("api_key", "sk-", &[run(ALNUM, 48)]).check(Check::Mixed).score(0.6),
    format("deepseek_key", "sk-", &[run(HEX, 32)]),
    format("openrouter_key", "sk-or-v1-", &[run(HEX, 64)]),
    format("openshift_token", "sha256~", &[run(URL64, 43)]),
    format("okta_token", "SSWS 00", &[runs(URL64, 38, 42)]),
];

/// Instance, id and secret.
const HARNESS: &[Piece] = &[run(URL64, 22), Text("."), run(ALNUM, 24), Text("."), run(ALNUM, 20)];

/// Header, claims and signature; the signature may be missing, an encrypted token has five parts.
const JWT: &[Piece] = &[
    runs(URL64, 15, 4096),
    Text(".ey"),
    runs(URL64 | SLASH, 10, 8192),
    runs(EQUALS, 0, 2),
    Text("."),
    runs(URL64 | SLASH | DOT, 0, 8192),
    runs(EQUALS, 0, 2),
];

const NKEY: &[Piece] = &[run(UNUM, 56)];
