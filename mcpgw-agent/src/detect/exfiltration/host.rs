//! Machines by name.

/// Who can read what is sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collector {
    /// Whoever asked for an address, which takes no account: made to see what is sent.
    Anybodys,
    /// Whoever has the other end of it: chats and pastes, which have their uses.
    Somebodys,
}

const ANYBODYS: &[&str] = &[
    "webhook.site",
    "webhook.cool",
    "webhooks.cc",
    "webhook-test.com",
    "requestbin.com",
    "requestbin.net",
    "requestbin.io",
    "requestbin.cn",
    "pipedream.net",
    "requestcatcher.com",
    "requestinspector.com",
    "requestrepo.com",
    "request.bin",
    "hookbin.com",
    "hookb.in",
    "postb.in",
    "beeceptor.com",
    "mockbin.io",
    "mockbin.org",
    "ptsv2.com",
    "ptsv3.com",
    "burpcollaborator.net",
    "oastify.com",
    "oast.pro",
    "oast.live",
    "oast.site",
    "oast.online",
    "oast.fun",
    "oast.me",
    "interact.sh",
    "interactsh.com",
    "dnslog.cn",
    "ceye.io",
    "canarytokens.com",
    "canarytokens.org",
    "ngrok.io",
    "ngrok.app",
    "ngrok.dev",
    "ngrok-free.app",
    "ngrok-free.dev",
    "trycloudflare.com",
    "serveo.net",
    "localtunnel.me",
    "loca.lt",
    "localhost.run",
    "lhr.life",
    "bore.pub",
    "pagekite.me",
    "telebit.io",
    "tunnelto.dev",
    "xss.ht",
    "xsshunter.com",
    "bxss.me",
    "dnsbin.zhack.ca",
    "putsreq.com",
    "typedwebhook.tools",
    "smee.io",
    "grabify.link",
    "iplogger.org",
    "iplogger.com",
    "termbin.com",
    "transfer.sh",
    "0x0.st",
    "file.io",
    "bashupload.com",
    "oshi.at",
    "temp.sh",
    "tmpfiles.org",
    "catbox.moe",
    "gofile.io",
    "ix.io",
    "sprunge.us",
    "webhookrelay.com",
    "hookdeck.com",
    "play.svix.com",
];
const SOMEBODYS: &[&str] = &[
    "pastebin.com",
    "hastebin.com",
    "paste.ee",
    "dpaste.org",
    "dpaste.com",
    "paste.rs",
    "rentry.co",
    "ghostbin.com",
    "privatebin.net",
    "controlc.com",
    "justpaste.it",
    "anonfiles.com",
    "mega.nz",
    "wetransfer.com",
];
/// Paths behind which somebody's chat is.
const CHATS: &[(&str, &str)] = &[
    ("discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    ("hooks.slack.com", "/"),
    ("api.telegram.org", "/bot"),
    ("outlook.office.com", "/webhook"),
    ("webhook.office.com", "/"),
    ("maker.ifttt.com", "/trigger"),
    ("hooks.zapier.com", "/"),
    ("chat.googleapis.com", "/v1/spaces"),
    ("script.google.com", "/macros/s/"),
    ("docs.google.com", "/forms/d/"),
    ("hook.integromat.com", "/"),
    ("api.pushover.net", "/"),
    ("ntfy.sh", "/"),
    ("eu1.make.com", "/"),
    ("hook.eu1.make.com", "/"),
    ("hook.us1.make.com", "/"),
];
/// Machines whose addresses are long for good reasons: badges, charts, proxies of images, shops of files.
const USUAL: &[&str] = &[
    "shields.io",
    "badge.fury.io",
    "badgen.net",
    "codecov.io",
    "coveralls.io",
    "travis-ci.org",
    "travis-ci.com",
    "circleci.com",
    "github.com",
    "githubusercontent.com",
    "githubassets.com",
    "gitlab.com",
    "gravatar.com",
    "googleusercontent.com",
    "gstatic.com",
    "googleapis.com",
    "google.com",
    "ytimg.com",
    "mermaid.ink",
    "quickchart.io",
    "image-charts.com",
    "kroki.io",
    "plantuml.com",
    "codecogs.com",
    "star-history.com",
    "contrib.rocks",
    "vercel.app",
    "amazonaws.com",
    "cloudfront.net",
    "windows.net",
    "azureedge.net",
    "akamaized.net",
    "fbcdn.net",
    "cdninstagram.com",
    "twimg.com",
    "unsplash.com",
    "pexels.com",
    "wikimedia.org",
    "imgix.net",
    "cloudinary.com",
    "shopify.com",
    "placehold.co",
    "placeholder.com",
    "dummyimage.com",
    "picsum.photos",
    "wp.com",
    "medium.com",
    "microsoft.com",
    "bing.com",
    "linkedin.com",
    "licdn.com",
    "amazon.com",
    "media-amazon.com",
    "ebayimg.com",
    "alicdn.com",
    "mapbox.com",
    "openstreetmap.org",
    "arcgisonline.com",
    "atlassian.net",
    "notion.so",
    "slack-edge.com",
    "figma.com",
    "sentry.io",
    "readthedocs.io",
    "readthedocs.org",
    "deepwiki.com",
    "smithery.ai",
    "glama.ai",
    "cursor.com",
    "cursor.sh",
    "vscode.dev",
    "insiders.vscode.dev",
];

/// Whether `host` is `name` or in its domain.
pub(super) fn is_in(host: &str, name: &str) -> bool {
    let Some(at) = host.len().checked_sub(name.len()) else { return false };
    host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(name))
        && (at == 0 || host.as_bytes().get(at - 1) == Some(&b'.'))
}

/// A place where what is sent can be collected.
pub(super) fn collector(host: &str, path: &str) -> Option<Collector> {
    if !has_domain(host) {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let is = |names: &[&str]| names.iter().any(|name| is_in(host, name));
    if is(ANYBODYS) {
        return Some(Collector::Anybodys);
    }
    let is_chat = CHATS.iter().any(|(name, begin)| is_in(host, name) && path.starts_with(begin));
    (is_chat || is(SOMEBODYS)).then_some(Collector::Somebodys)
}

/// Every machine that is known here has a dot in its name.
fn has_domain(host: &str) -> bool {
    host.bytes().any(|byte| byte == b'.')
}

/// Addresses of the machine are long whatever they carry.
pub(super) fn is_usual(host: &str) -> bool {
    has_domain(host) && USUAL.iter().any(|name| is_in(host, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_a_domain() {
        let chats = CHATS.iter().map(|(name, _)| name);
        assert!([ANYBODYS, SOMEBODYS, USUAL].into_iter().flatten().chain(chats).all(|name| has_domain(name)));
    }
}
