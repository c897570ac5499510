//! Tailscale to Zuplo.

use super::super::alphabet::{ALNUM, DASH, DEC, DOT, HEX, HEXA, LNUM, UNDER, URL64, URL64P};
use super::super::format::Piece::Text;
use super::super::format::{Check, Format, Piece, format, run, runs};

pub(super) static FORMATS: &[Format] = &[
    format(
        "tailscale_key",
        "tskey-",
        &[runs(LNUM, 3, 12), Text("-"), runs(ALNUM, 8, 24), Text("-"), runs(ALNUM, 16, 48)],
    ),
    format("tailscale_key", "tskey-", &[runs(ALNUM, 8, 24), Text("-"), runs(ALNUM, 16, 48)]),
    format("tavily_key", "tvly-", &[runs(ALNUM | DASH, 28, 60)]).check(Check::Mixed),
    format("tencent_secret_id", "AKID", &[run(ALNUM, 32)]).check(Check::Mixed),
    format("together_key", "tgp_v1_", &[runs(URL64, 40, 50)]),
    format("trello_token", "ATTA", &[run(HEXA, 72)]),
    format("twilio_key", "SK", &[run(HEXA, 32)]).check(Check::Digit),
    format("twilio_account_sid", "AC", &[run(HEXA, 32)]).check(Check::Digit).score(0.6),
    format("twitch_token", "oauth:", &[run(LNUM, 30)]),
    format("typeform_token", "tfp_", &[runs(URL64P | DOT, 40, 64)]),
    format("vault_token", "hvs.", &[runs(URL64, 24, 200)]),
    format("vault_token", "hvb.", &[runs(URL64, 90, 400)]),
    format("vault_token", "hvr.", &[runs(URL64, 24, 200)]),
    format("vault_token", "s.", &[run(ALNUM, 24)]).check(Check::Digit),
    format("vault_token", "b.AAAA", &[runs(ALNUM, 80, 300)]),
    format("vercel_token", "vcp_", VERCEL),
    format("vercel_token", "vci_", VERCEL),
    format("vercel_token", "vca_", VERCEL),
    format("vercel_token", "vcr_", VERCEL),
    format("vercel_token", "vck_", VERCEL),
    format("vercel_token", "vercel_blob_rw_", &[runs(ALNUM | UNDER, 30, 70)]),
    format("volcengine_key", "AKLT", &[runs(ALNUM, 40, 60)]).check(Check::Mixed),
    format("voyage_key", "pa-", &[run(URL64, 43)]).check(Check::Mixed),
    format("wandb_key", "wandb_v1_", &[runs(URL64, 40, 100)]),
    format("xai_key", "xai-", &[runs(ALNUM, 70, 90)]),
    format("yandex_key", "AQVN", &[runs(URL64, 35, 38)]),
    format("yandex_token", "t1.", &[runs(URL64P, 10, 300), Text("."), runs(URL64P, 86, 88)]),
    format("yandex_token", "y0_", &[runs(URL64, 50, 70)]),
    format("yandex_token", "YC", &[run(URL64, 38)]).check(Check::Mixed),
    format("zoho_token", "1000.", &[run(HEX, 32), Text("."), run(HEX, 32)]),
    format("zuplo_key", "zpka_", &[runs(ALNUM | UNDER, 32, 60)]),
    format("telegram_bot_token", "bot", &[runs(DEC, 8, 12), Text(":A"), run(URL64, 34)]),
];

const VERCEL: &[Piece] = &[runs(ALNUM, 24, 60)];
