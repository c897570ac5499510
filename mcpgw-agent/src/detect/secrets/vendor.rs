//! Keys that say nothing by themselves, known by the vendor's name beside them and by their length.

use super::alphabet::{self, ALNUM, B64, DASH, DEC, DOT, EQUALS, HEX, HEXA, LNUM, Set, UNDER, URL64, URL64P};
use super::{format, value};

/// What a vendor's values look like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// So many bytes of a set, behind a prefix.
    Run(&'static str, Set, usize, usize),
    Uuid,
    /// Two runs and what stands between them.
    Pair(Set, usize, usize, u8, Set, usize, usize),
}

/// A vendor and what its credentials look like.
#[derive(Debug)]
pub(super) struct Vendor {
    /// A part of names, in lower case.
    pub(super) needle: &'static str,
    pub(super) kind: &'static str,
    pub(super) shapes: &'static [Shape],
}

const fn v(needle: &'static str, kind: &'static str, shapes: &'static [Shape]) -> Vendor {
    Vendor { needle, kind, shapes }
}

const fn r(set: Set, least: usize, most: usize) -> Shape {
    Shape::Run("", set, least, most)
}

const fn n(set: Set, count: usize) -> Shape {
    Shape::Run("", set, count, count)
}

use Shape::{Pair, Run, Uuid};

const URLP: Set = URL64P;

/// By name, or by a part of it: its first letters are left out where they begin many words.
pub(super) static VENDORS: &[Vendor] = &[
    v("adafruit", "adafruit_key", &[n(URL64, 32)]),
    v("adobe", "adobe_client_id", &[n(HEX, 32)]),
    v("airtable", "airtable_key", &[n(LNUM, 17), Run("key", ALNUM, 14, 14)]),
    v("algolia", "algolia_key", &[n(LNUM, 32)]),
    v("alibaba", "alibaba_secret_key", &[n(LNUM, 30), n(ALNUM, 30)]),
    v("aliyun", "alibaba_secret_key", &[n(ALNUM, 30)]),
    v("asana", "asana_client_secret", &[n(LNUM, 32), n(DEC, 16)]),
    v("atlassian", "atlassian_token", &[n(ALNUM, 24)]),
    v("nfluence", "atlassian_token", &[n(ALNUM, 24)]),
    v("jira", "atlassian_token", &[n(ALNUM, 24)]),
    v("aws_", "aws_secret_access_key", &[n(B64, 40)]),
    v("aws-", "aws_secret_access_key", &[n(B64, 40)]),
    v("awssecret", "aws_secret_access_key", &[n(B64, 40)]),
    v("secretaccesskey", "aws_secret_access_key", &[n(B64, 40)]),
    v("secret_access_key", "aws_secret_access_key", &[n(B64, 40)]),
    v(
        "azure",
        "azure_key",
        &[Run("", B64 | EQUALS, 43, 44), Run("", B64 | EQUALS, 86, 88), n(HEX, 32), n(LNUM, 52)],
    ),
    v("beamer", "beamer_token", &[Run("b_", URLP, 44, 44)]),
    v("bitbucket", "bitbucket_secret", &[n(LNUM, 32), n(URLP, 64), r(ALNUM, 18, 24)]),
    v("bittrex", "bittrex_key", &[n(LNUM, 32)]),
    v("bitly", "bitly_token", &[n(HEX, 40)]),
    v("ldkite", "buildkite_token", &[n(HEX, 40)]),
    v("circleci", "circleci_token", &[n(HEX, 40)]),
    v("circle_token", "circleci_token", &[n(HEX, 40)]),
    v("meraki", "cisco_meraki_key", &[n(HEX, 40)]),
    v("cloudflare", "cloudflare_key", &[n(URL64, 40), n(HEX, 37)]),
    v("cloudinary", "cloudinary_secret", &[n(URL64, 27)]),
    v("decov", "codecov_token", &[n(LNUM, 32), Uuid]),
    v("codacy", "codacy_token", &[n(HEX, 32)]),
    v("cohere", "cohere_key", &[n(ALNUM, 40)]),
    v("co_api_key", "cohere_key", &[n(ALNUM, 40)]),
    v("coinbase", "coinbase_token", &[n(URL64, 64), n(ALNUM, 32)]),
    v("nfluent", "confluent_key", &[n(ALNUM, 16), n(B64, 64)]),
    v("entful", "contentful_token", &[n(URLP, 43)]),
    v("coveralls", "coveralls_token", &[n(ALNUM, 32)]),
    v("tadog", "datadog_key", &[n(LNUM, 40), n(HEX, 32)]),
    v("dd_api_key", "datadog_key", &[n(HEX, 32)]),
    v("dd_app_key", "datadog_key", &[n(HEX, 40)]),
    v("deepgram", "deepgram_key", &[n(HEX, 40)]),
    v("discord", "discord_secret", &[n(HEX, 64), n(DEC, 18), n(URLP, 32)]),
    v("droneci", "droneci_token", &[n(LNUM, 32)]),
    v("dropbox", "dropbox_token", &[n(LNUM, 15), Run("", URLP, 60, 70), Run("sl.", URLP, 120, 160)]),
    v("elastic", "elastic_key", &[n(ALNUM, 24), Run("", B64 | EQUALS, 60, 60)]),
    v("etsy", "etsy_key", &[n(LNUM, 24)]),
    v("etherscan", "etherscan_key", &[n(ALNUM, 34)]),
    v(
        "facebook",
        "facebook_secret",
        &[
            n(HEX, 32),
            r(ALNUM, 80, 400),
            Pair(DEC, 15, 16, b'|', URL64, 27, 40),
            Pair(DEC, 15, 16, b'%', URL64, 27, 40),
        ],
    ),
    v("fastly", "fastly_key", &[n(URLP, 32)]),
    v("finicity", "finicity_key", &[n(HEX, 32), n(LNUM, 20)]),
    v("finnhub", "finnhub_token", &[n(LNUM, 20), n(LNUM, 40)]),
    v("firebase", "firebase_token", &[r(URL64, 39, 180)]),
    v("flickr", "flickr_token", &[n(LNUM, 32), n(HEX, 16)]),
    v("freshbooks", "freshbooks_token", &[n(LNUM, 64)]),
    v("freshdesk", "freshdesk_key", &[n(ALNUM, 20)]),
    v("gemini", "gcp_api_key", &[n(URL64, 39)]),
    v("github", "github_token", &[n(HEX, 40)]),
    v("gitlab", "gitlab_token", &[n(URL64, 20)]),
    v("gitter", "gitter_token", &[n(URL64, 40)]),
    v("gocardless", "gocardless_token", &[Run("live_", URLP, 40, 40), Run("sandbox_", URLP, 40, 40)]),
    v("google", "google_key", &[n(URL64, 24), n(URL64, 39)]),
    v("heroku", "heroku_key", &[Uuid]),
    v("hubspot", "hubspot_key", &[Uuid]),
    v("hubapi", "hubspot_key", &[Uuid]),
    v("nstagram", "instagram_token", &[n(HEX, 32), Run("IG", ALNUM, 40, 200)]),
    v("tercom", "intercom_token", &[n(URLP, 60)]),
    v("jfrog", "jfrog_token", &[n(LNUM, 73), n(LNUM, 64), n(ALNUM, 73), n(ALNUM, 64)]),
    v("artifactory", "jfrog_token", &[n(ALNUM, 73), n(ALNUM, 64)]),
    v("bintray", "jfrog_token", &[n(ALNUM, 73), n(ALNUM, 64), n(HEX, 40)]),
    v("xray", "jfrog_token", &[n(ALNUM, 73), n(ALNUM, 64)]),
    v("kraken", "kraken_token", &[r(URLP | B64, 80, 90)]),
    v("kucoin", "kucoin_key", &[n(HEX, 24), Uuid]),
    v("launchdarkly", "launchdarkly_token", &[n(URLP, 40)]),
    v("inear", "linear_secret", &[n(HEX, 32)]),
    v("linkedin", "linkedin_secret", &[n(ALNUM, 14), n(ALNUM, 16)]),
    v("linked_in", "linkedin_secret", &[n(ALNUM, 14), n(ALNUM, 16)]),
    v("linked-in", "linkedin_secret", &[n(ALNUM, 14), n(ALNUM, 16)]),
    v("looker", "looker_secret", &[n(LNUM, 20), n(LNUM, 24)]),
    v("mailchimp", "mailchimp_key", &[Run("", HEX | DASH | LNUM, 36, 37)]),
    v("mailgun", "mailgun_key", &[Run("", HEX | DASH | LNUM, 50, 50)]),
    v("mailjet", "mailjet_key", &[n(HEX, 32)]),
    v("mattermost", "mattermost_token", &[n(LNUM, 26)]),
    v("maxmind", "maxmind_key", &[n(ALNUM, 16)]),
    v("gebird", "messagebird_token", &[n(ALNUM, 25), Uuid]),
    v("ge_bird", "messagebird_token", &[n(ALNUM, 25), Uuid]),
    v("ge-bird", "messagebird_token", &[n(ALNUM, 25), Uuid]),
    v("mixpanel", "mixpanel_secret", &[n(HEX, 32)]),
    v("mistral", "mistral_key", &[n(ALNUM, 32)]),
    v("netlify", "netlify_token", &[r(URLP, 40, 46)]),
    v("newrelic", "newrelic_key", NEWRELIC),
    v("new-relic", "newrelic_key", NEWRELIC),
    v("new_relic", "newrelic_key", NEWRELIC),
    v("nytimes", "nytimes_token", &[n(URLP, 32)]),
    v("new-york-times", "nytimes_token", &[n(URLP, 32)]),
    v("newyorktimes", "nytimes_token", &[n(URLP, 32)]),
    v("okta", "okta_token", &[Run("00", URLP, 38, 42)]),
    v("opsgenie", "opsgenie_key", &[Uuid]),
    v("pagerduty", "pagerduty_key", &[n(URL64, 20), n(HEX, 32)]),
    v("paypal", "paypal_secret", &[n(URL64, 80)]),
    v("pinecone", "pinecone_key", &[Uuid]),
    v("plaid", "plaid_secret", &[n(LNUM, 24), n(LNUM, 30)]),
    v("postmark", "postmark_token", &[Uuid]),
    v("privateai", "privateai_token", &[n(LNUM, 32)]),
    v("private_ai", "privateai_token", &[n(LNUM, 32)]),
    v("private-ai", "privateai_token", &[n(LNUM, 32)]),
    v("pusher", "pusher_secret", &[n(HEX, 20)]),
    v("rapidapi", "rapidapi_key", &[n(URL64, 50)]),
    v("rollbar", "rollbar_token", &[n(HEX, 32)]),
    v("saucelabs", "saucelabs_key", &[Uuid]),
    v("sauce_access", "saucelabs_key", &[Uuid]),
    v("segment", "segment_key", &[n(ALNUM, 32)]),
    v("sendbird", "sendbird_token", &[Uuid, n(HEX, 40)]),
    v("sentry", "sentry_token", &[n(HEX, 64)]),
    v("tribsys", "sidekiq_secret", &[Pair(HEX, 8, 8, b':', HEX, 8, 8)]),
    v("snyk", "snyk_token", &[Uuid]),
    v("sonar", "sonar_token", &[n(URLP, 40)]),
    v("urcegraph", "sourcegraph_token", &[n(HEXA, 40)]),
    v("spotify", "spotify_secret", &[n(HEX, 32)]),
    v("splunk", "splunk_token", &[Uuid]),
    v("squarespace", "squarespace_token", &[Uuid]),
    v("sumo", "sumologic_key", &[Run("su", ALNUM, 12, 12), n(ALNUM, 64)]),
    v("telegr", "telegram_bot_token", &[Pair(DEC, 5, 16, b':', URL64, 34, 36)]),
    v("travis", "travisci_token", &[n(ALNUM, 22), n(ALNUM, 20)]),
    v("trello", "trello_key", &[n(HEX, 32), n(HEX, 64)]),
    v("twilio", "twilio_token", &[n(HEX, 32)]),
    v("twitch", "twitch_token", &[n(LNUM, 30)]),
    v(
        "twitter",
        "twitter_token",
        &[
            n(ALNUM, 25),
            n(ALNUM, 45),
            n(ALNUM, 50),
            Pair(DEC, 15, 25, b'-', ALNUM, 20, 40),
            Run("AAAAAAAAAAAAAAAAAAAAAA", ALNUM | alphabet::PERCENT, 80, 100),
        ],
    ),
    v("unsplash", "unsplash_key", &[n(URL64, 43)]),
    v("vonage", "vonage_secret", &[n(ALNUM, 16)]),
    v("wandb", "wandb_key", &[n(HEX, 40)]),
    v("yandex", "yandex_key", &[Run("YC", URL64, 38, 38), Run("AQVN", URL64, 35, 38)]),
    v("zendesk", "zendesk_secret", &[n(LNUM, 40), n(ALNUM, 40)]),
];

const NEWRELIC: &[Shape] =
    &[n(LNUM, 64), Run("", HEX | ALNUM, 40, 40), Run("", LNUM | DASH | UNDER | DOT, 36, 36)];

impl Vendor {
    /// Whether the value is one of this vendor's.
    pub(super) fn fits(&self, value: &[u8]) -> bool {
        self.shapes.iter().any(|shape| fits(shape, value)) && !format::masked(value)
    }
}

fn fits(shape: &Shape, value: &[u8]) -> bool {
    let all = |part: &[u8], set: Set| part.iter().all(|byte| alphabet::is(*byte, set));
    match *shape {
        Run(prefix, set, least, most) => {
            let Some(body) = value.strip_prefix(prefix.as_bytes()) else { return false };
            let random = || {
                !prefix.is_empty()
                    || set == DEC
                    || value::is_random(body, 12) && !value::stands_for(body)
                    || body.iter().all(u8::is_ascii_digit)
            };
            (least..=most).contains(&body.len()) && all(body, set) && random()
        }
        Uuid => format::uuid(value, 0) == Some(value.len()),
        Pair(first, least, most, between, second, least_2, most_2) => {
            let Some(split) = value.iter().position(|byte| *byte == between) else { return false };
            let (Some(one), Some(two)) = (value.get(..split), value.get(split + 1..)) else { return false };
            (least..=most).contains(&one.len())
                && all(one, first)
                && (least_2..=most_2).contains(&two.len())
                && all(two, second)
        }
    }
}
