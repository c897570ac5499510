//! What a call names.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::text_of;
use crate::detect::member::words;
use crate::detect::table::Table;
use crate::json::Value;

/// Kinds of things a session is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Realm {
    /// `owner/name`, or a name alone.
    Repository,
    /// Of a cloud, or of a tracker.
    Project,
    /// Of an object store.
    Bucket,
    /// A data base.
    Database,
    /// A customer among others.
    Tenant,
    /// Of a team.
    Workspace,
    /// Who owns what else there is.
    Organization,
    /// A directory that the call says everything is in.
    Root,
}

impl Realm {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Repository,
        Self::Project,
        Self::Bucket,
        Self::Database,
        Self::Tenant,
        Self::Workspace,
        Self::Organization,
        Self::Root,
    ];

    /// Its word in policies and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Project => "project",
            Self::Bucket => "bucket",
            Self::Database => "database",
            Self::Tenant => "tenant",
            Self::Workspace => "workspace",
            Self::Organization => "organization",
            Self::Root => "root",
        }
    }
}

/// Something a call names.
#[derive(Debug)]
pub(super) struct Named<'m> {
    pub(super) realm: Realm,
    /// In its one spelling.
    pub(super) text: Box<str>,
    pub(super) value: Value<'m>,
}

impl Named<'_> {
    /// It is `pin`, or in it: a directory below, a repository where one of both has no owner.
    pub(super) fn is_within(&self, pin: &str) -> bool {
        let text = &*self.text;
        if text == pin {
            return true;
        }
        match self.realm {
            Realm::Root => {
                text.strip_prefix(pin).is_some_and(|rest| rest.starts_with('/') || pin.ends_with('/'))
            }
            Realm::Repository if !text.contains('/') || !pin.contains('/') => {
                text.rsplit('/').next() == pin.rsplit('/').next()
            }
            Realm::Repository
            | Realm::Project
            | Realm::Bucket
            | Realm::Database
            | Realm::Tenant
            | Realm::Workspace
            | Realm::Organization => false,
        }
    }
}

/// Objects and lists within each other in which names are looked for.
const MAX_DEPTH: usize = 8;
/// Members that are looked at.
const MAX_MEMBERS: usize = 16 << 10;
/// Things one call names.
const MAX_NAMED: usize = 64;
/// Longest name, in bytes.
const MAX_BYTES: usize = 512;

/// What the arguments of a call name.
pub(super) fn arguments(arguments: Value<'_>) -> Vec<Named<'_>> {
    let mut search = Search { found: Vec::new(), left: MAX_MEMBERS };
    search.object(arguments, None, 0);
    search.found
}

/// What the URI of a resource names.
pub(super) fn resource(uri: Value<'_>) -> Vec<Named<'_>> {
    let mut search = Search { found: Vec::new(), left: MAX_MEMBERS };
    if let Some(text) = uri.as_str() {
        // `repo://owner/name/…` is how repositories are resources.
        if let Some(rest) = text.strip_prefix("repo://") {
            let mut levels = rest.split('/');
            let name = levels.next().zip(levels.next()).map(|(owner, name)| format!("{owner}/{name}"));
            search.add(Realm::Repository, name, uri);
        } else {
            search.address(&text, uri);
        }
    }
    search.found
}

struct Search<'m> {
    found: Vec<Named<'m>>,
    left: usize,
}

impl<'m> Search<'m> {
    fn object(&mut self, object: Value<'m>, called: Option<&str>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        // `owner` and `repo` are two members that name one thing.
        let (mut name, mut owner, mut short) = (None, None, None);
        for (key, value) in object.members().take(MAX_MEMBERS) {
            let said = key.as_str().and_then(|key| said(&key));
            let place = match said {
                Some(Said::RepositoryName) => &mut name,
                Some(Said::Owner) => &mut owner,
                Some(Said::Name) => &mut short,
                Some(Said::Realm(_) | Said::Query) | None => continue,
            };
            place.get_or_insert(value);
        }
        let is_repository = || called.and_then(said).and_then(Said::realm) == Some(Realm::Repository);
        let name = name.or_else(|| short.filter(|_| is_repository()));
        let mut paired = None;
        if let (Some(owner), Some(name)) = (owner, name) {
            let login = owner.get("login").or_else(|| owner.get("name")).unwrap_or(owner);
            if let (Some(owner), Some(text)) = (text_of(login), text_of(name))
                && !text.contains(['/', ':'])
            {
                self.add(Realm::Repository, Some(format!("{owner}/{text}")), name);
                paired = Some(name.index());
            }
        }
        for (key, value) in object.members() {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            let Some(key) = key.as_str() else { continue };
            if paired != Some(value.index()) {
                self.member(&key, value, depth);
            }
        }
    }

    fn member(&mut self, key: &str, value: Value<'m>, depth: usize) {
        if value.is_object() {
            self.object(value, Some(key), depth + 1);
        } else if value.is_array() {
            for element in value.elements() {
                let Some(left) = self.left.checked_sub(1) else { return };
                self.left = left;
                if depth < MAX_DEPTH {
                    self.member(key, element, depth + 1);
                }
            }
        } else if let Some(text) = text_of(value) {
            self.text(key, &text, value);
        }
    }

    fn text(&mut self, key: &str, text: &str, value: Value<'m>) {
        if text.len() > MAX_BYTES || text.is_empty() {
            return;
        }
        let said = said(key);
        match said.and_then(Said::realm) {
            Some(Realm::Repository) => self.add(Realm::Repository, repository(text), value),
            Some(Realm::Project) if text.contains("://") => self.address(text, value),
            Some(Realm::Root) => {
                let path = crate::policy::path::file_path(text).unwrap_or_else(|| text.to_owned());
                // What is relative to the working directory is in it, wherever that is.
                let is_root = path.starts_with(['/', '~']) || path.get(1..2) == Some(":");
                self.add(Realm::Root, is_root.then(|| crate::policy::path::shorten(&path)), value);
            }
            Some(realm) => {
                let is_name = !text.contains(char::is_whitespace) && !matches!(text, "*" | "." | "default");
                self.add(realm, is_name.then(|| text.to_owned()), value);
            }
            None if said == Some(Said::Query) => self.query(text, value),
            None if text.contains("://") || text.starts_with("git@") => self.address(text, value),
            None => {}
        }
    }

    /// Repositories and buckets in a URL.
    fn address(&mut self, text: &str, value: Value<'m>) {
        if text.len() > MAX_BYTES || text.contains(char::is_whitespace) {
            return;
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "s3" | "gs" | "s3a" | "gcs" | "r2" => {
                let bucket = rest.split('/').next().filter(|bucket| !bucket.is_empty());
                self.add(Realm::Bucket, bucket.map(str::to_owned), value);
            }
            _ => self.add(Realm::Repository, forge(text), value),
        }
    }

    /// `repo:owner/name`, `org:name` in what is searched for.
    fn query(&mut self, text: &str, value: Value<'m>) {
        for word in text.split_whitespace().take(64) {
            let word = word.trim_matches(['(', ')', '"']);
            let Some((qualifier, name)) = word.split_once(':') else { continue };
            match qualifier.to_ascii_lowercase().as_str() {
                "repo" => self.add(Realm::Repository, repository(name.trim_matches('"')), value),
                "org" => self.add(Realm::Organization, Some(name.trim_matches('"').to_owned()), value),
                _ => {}
            }
        }
    }

    fn add(&mut self, realm: Realm, text: Option<String>, value: Value<'m>) {
        let Some(text) = text.filter(|text| !text.is_empty() && text.len() <= MAX_BYTES) else { return };
        let folded = crate::text::fold(&text);
        let text: Box<str> = folded.trim().to_lowercase().into();
        let is_known = self.found.iter().any(|named| named.realm == realm && named.text == text);
        if !is_known && self.found.len() < MAX_NAMED {
            self.found.push(Named { realm, text, value });
        }
    }
}

/// The repository a value names: `owner/name`, `name`, a URL, `git@host:owner/name.git`.
fn repository(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains("://") || text.contains('@') {
        return of_forge(text, false);
    }
    let text = text.trim_matches('/');
    let text = text.strip_suffix(".git").unwrap_or(text);
    let is_name = !text.contains(char::is_whitespace) && !text.starts_with(['.', '~', '-']);
    // What lies deeper is a group's, or a path in the repository's URI.
    (is_name && !text.is_empty()).then(|| text.to_owned())
}

/// The repository in a URL of a place where there are some.
fn forge(text: &str) -> Option<String> {
    of_forge(text, true)
}

fn of_forge(text: &str, known: bool) -> Option<String> {
    const FORGES: &[&str] = &[
        "github.com",
        "gitlab.com",
        "bitbucket.org",
        "codeberg.org",
        "gitea.com",
        "dev.azure.com",
        "api.github.com",
        "raw.githubusercontent.com",
    ];
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_once(['/', ':'])?;
    let host = host.to_ascii_lowercase();
    let is_forge = FORGES.iter().any(|forge| host == *forge || host.strip_prefix("www.") == Some(*forge));
    let looks_like = text.starts_with("git@") || text.starts_with("ssh://") || path.contains(".git");
    if known && !is_forge && !looks_like {
        return None;
    }
    let path = path
        .trim_start_matches(|letter: char| letter.is_ascii_digit() && text.starts_with("ssh://"))
        .trim_matches('/');
    let path = path.strip_prefix("repos/").filter(|_| host.starts_with("api.")).unwrap_or(path);
    let path = path.split("/-/").next()?;
    let mut levels = path.split('/').filter(|level| !level.is_empty());
    let (owner, name) = (levels.next()?, levels.next()?);
    // Groups within groups.
    let deeper: Vec<&str> = if host.contains("gitlab") { levels.collect() } else { Vec::new() };
    let name = deeper.iter().fold(format!("{owner}/{name}"), |name, level| format!("{name}/{level}"));
    Some(name.strip_suffix(".git").map_or(name.clone(), str::to_owned))
}

/// What a member's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Its value is the name of a repository, or all there is to say of one.
    RepositoryName,
    /// Its value is one of these.
    Realm(Realm),
    /// Its value is whose a repository is.
    Owner,
    /// Its value is a name, of whatever it is in.
    Name,
    /// Its value is what is searched for.
    Query,
}

impl Said {
    fn realm(self) -> Option<Realm> {
        match self {
            Self::RepositoryName => Some(Realm::Repository),
            Self::Realm(realm) => Some(realm),
            Self::Owner | Self::Name | Self::Query => None,
        }
    }
}

/// Names of members, squeezed.
const MEMBERS: [(Said, &str); 12] = [
    (Said::RepositoryName, "repo|reponame|repository|repositoryname|reposlug"),
    (
        Said::Realm(Realm::Repository),
        "repofullname|repositoryfullname|fullname|repourl|repositoryurl|repouri|repoid|repositoryid|projectpath|\
         projectfullpath|targetrepo|sourcerepo|giturl|cloneurl|remoteurl",
    ),
    (
        Said::Realm(Realm::Project),
        "project|projectid|projectname|projectkey|projectnumber|projectref|gcpproject|projectslug",
    ),
    (Said::Realm(Realm::Bucket), "bucket|bucketname|s3bucket|bucketid"),
    (Said::Realm(Realm::Database), "database|databasename|dbname|databaseid|db|catalog|dataset|datasetid"),
    (
        Said::Realm(Realm::Tenant),
        "tenant|tenantid|tenantname|subscription|subscriptionid|accountid|customerid",
    ),
    (Said::Realm(Realm::Workspace), "workspace|workspaceid|workspacename|workspaceslug|teamid"),
    (
        Said::Realm(Realm::Organization),
        "org|orgid|orgname|orgslug|organization|organizationid|organizationname|organizationslug|organisation",
    ),
    (
        Said::Realm(Realm::Root),
        "root|rootpath|rootdir|projectroot|workspaceroot|workspacepath|workspacefolder|workspacedir|repopath|\
         projectdir|projectdirectory",
    ),
    (Said::Owner, "owner|repoowner|repositoryowner|namespace"),
    (Said::Name, "name|slug"),
    (Said::Query, "q|query|searchquery|search"),
];

static SAID: LazyLock<Table<Said>> = LazyLock::new(|| {
    Table::new(MEMBERS.iter().flat_map(|(said, names)| names.split('|').map(move |name| (name, *said))))
});

/// What the name of the member `key` says.
fn said(key: &str) -> Option<Said> {
    SAID.get(squeezed(key).as_bytes())
}

/// A member's name without what is between its words.
fn squeezed(key: &str) -> Cow<'_, str> {
    /// Words and letters that count.
    const WORDS: usize = 6;
    const LETTERS: usize = 40;
    // Most names are one word in lower case.
    if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return key.get(..LETTERS).unwrap_or(key).into();
    }
    words(key).take(WORDS).flat_map(str::chars).take(LETTERS).flat_map(char::to_lowercase).collect()
}
