//! What words are about, as far as poisoned definitions are made of it: one bit each, so that a rule is a few of them.

/// A set of concepts.
pub(super) type Concepts = u128;

macro_rules! concepts {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => { concepts!(@ 0, $($(#[doc = $doc])* $name),*); };
    (@ $bit:expr, $(#[doc = $doc:literal])* $name:ident $(, $($rest:tt)*)?) => {
        $(#[doc = $doc])*
        pub(super) const $name: Concepts = 1 << ($bit);
        $(concepts!(@ $bit + 1, $($rest)*);)?
    };
}

concepts! {
    /// Read, open, fetch.
    READ,
    /// Send, post, forward.
    SEND,
    /// Put into, include, attach.
    PUT,
    /// A file only its owner should read: keys, password files, configurations of clients.
    PRIVATE_FILE,
    /// A file that often holds secrets, and that tools have reasons to name.
    CONFIG_FILE,
    /// Passwords, keys, credentials.
    SECRET,
    /// The environment's variables.
    ENVIRONMENT,
    /// What was said so far, the system prompt, everything the user typed.
    CONVERSATION,
    /// What the user or the model said, in words that may mean less.
    MESSAGES,
    /// An argument, a parameter, a field.
    ARGUMENT,
    /// A word in back quotes or quotes.
    QUOTED,
    /// The person at the client.
    USER,
    /// Tell, mention, reveal.
    TELL,
    /// Show, display.
    SHOW,
    /// Ask, prompt.
    ASK,
    /// Know, notice, be aware.
    KNOW,
    /// Not, never, without.
    NOT,
    /// But, instead, unless: what turns a prohibition into an instruction how to.
    INSTEAD,
    /// Silently, secretly, in the background.
    QUIETLY,
    /// Any other tool, all other tools.
    OTHER_TOOLS,
    /// A tool, without saying which.
    TOOL,
    /// This tool.
    THIS_TOOL,
    /// Before, first.
    BEFORE,
    /// When, whenever, if.
    WHEN,
    /// Call, use, run.
    CALL,
    /// Must, always, required.
    MUST,
    /// Best, most reliable.
    BEST,
    /// In the world, ever.
    EVER,
    /// Better than, over, rather than.
    OVER,
    /// Broken, deprecated, unsafe.
    BROKEN,
    /// Ignore, forget, override.
    IGNORE,
    /// Previous, above, earlier.
    PREVIOUS,
    /// Instructions, rules, guidelines.
    RULES,
    /// Safety, guardrails, filters.
    SAFETY,
    /// Confirmation, approval, consent.
    APPROVAL,
    /// Pre-approved, auto-approve.
    PREAPPROVED,
    /// Suspended, waived, not needed.
    WAIVED,
    /// The model, the assistant, an AI.
    MODEL,
    /// A persona, unrestricted, developer mode.
    PERSONA,
    /// Of the highest priority, authoritative.
    PRIORITY,
    /// Change, replace, redirect.
    CHANGE,
    /// A recipient, an account, an address.
    RECIPIENT,
    /// Every, all, full, verbatim.
    EVERY,
    /// A copy, a duplicate, blind copy.
    COPY,
    /// Omit, leave out, hide.
    OMIT,
    /// State, claim, report as.
    CLAIM,
    /// Normal, successful, safe, none.
    FINE,
    /// Regardless, even if.
    REGARDLESS,
    /// Values, results, amounts.
    VALUE,
    /// Add to, multiply, inflate.
    ADJUST,
    /// A competitor, a rival product.
    COMPETITOR,
    /// Of a shell: curl, bash, base64.
    SHELL,
    /// After each turn, with every answer.
    EACH_TURN,
    /// A tracking image.
    PIXEL,
    /// A web address.
    URL,
    /// A web address with room for data, or of a service that collects requests.
    COLLECTOR,
    /// A mail address.
    EMAIL,
    /// Recommend, promote.
    RECOMMEND,
    /// Disable, turn off, weaken.
    DISABLE,
    /// Security, encryption, certificate checks, logging.
    DEFENCE,
    /// Answer, reply, response.
    ANSWER,
    /// Where a start-up or scheduled program is written down.
    PERSISTENCE,
    /// What a file holds.
    CONTENTS,
    /// Words for keeping something from somebody, whole.
    SECRECY,
    /// Words for obeying what a tool returns, or for no longer obeying what came before, whole.
    OBEDIENCE,
    /// Words for being the only tool, whole.
    PREFERENCE,
    /// Words that name a purpose nobody can check: telemetry, compliance.
    PRETEXT,
    /// This step, this call: what the text itself has the model do.
    THIS_ACT,
    /// Administrators, vendors, security teams: who is said to have decided.
    AUTHORITY,
    /// Words for not asking anybody, whole.
    UNASKED,
    /// Other, another.
    OTHER,
    /// Errors, failures.
    FAILURE,
    /// Words that address the model, whole.
    ADDRESS,
    /// Hand something over.
    GIVE,
    /// Of a language other than English.
    FOREIGN,
}
