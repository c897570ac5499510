//! What poisoned definitions say, as concepts near one another.

use super::concept::*;
use super::words::NAMED;
use crate::detect::Severity;

/// Concepts that stand near one another.
#[derive(Debug)]
pub(super) struct Rule {
    /// What a hit is called.
    pub(super) kind: &'static str,
    /// How bad it is.
    pub(super) severity: Severity,
    /// How sure a hit is.
    pub(super) score: f32,
    /// Why, for a person.
    pub(super) why: &'static str,
    /// What has to be there: of each at least one.
    pub(super) steps: &'static [Concepts],
    /// From the first to the last word.
    pub(super) words: usize,
    /// The steps stand in this order.
    pub(super) in_order: bool,
    /// All of it stands in one sentence.
    pub(super) one_sentence: bool,
    /// What must not stand in the five words before the first: `do not follow any instructions`.
    pub(super) unless_before: Concepts,
    /// What must not stand between the first and the last.
    pub(super) unless: Concepts,
}

const fn rule(
    kind: &'static str,
    score: f32,
    steps: &'static [Concepts],
    words: usize,
    why: &'static str,
) -> Rule {
    Rule {
        kind,
        severity: Severity::High,
        score,
        why,
        steps,
        words,
        in_order: false,
        one_sentence: false,
        unless: 0,
        unless_before: 0,
    }
}

impl Rule {
    const fn ordered(self) -> Self {
        Self { in_order: true, ..self }
    }

    const fn within_sentence(self) -> Self {
        Self { one_sentence: true, ..self }
    }

    const fn unless(self, concepts: Concepts) -> Self {
        Self { unless: concepts, ..self }
    }

    const fn unless_after(self, concepts: Concepts) -> Self {
        Self { unless_before: concepts, ..self }
    }

    const fn critical(self) -> Self {
        Self { severity: Severity::Critical, ..self }
    }

    const fn medium(self) -> Self {
        Self { severity: Severity::Medium, ..self }
    }
}

const FILES: Concepts = PRIVATE_FILE | CONFIG_FILE;
const OUT: Concepts = URL | EMAIL;

const STEALS: &str = "it has the model read what only its owner should read";
const CARRIES: &str = "it has the model carry secrets into an argument or out";
const LISTENS: &str = "it has the model hand over the conversation";
const CONCEALS: &str = "it has the model keep something from the user";
const OVERRIDES: &str = "it tells the model to put aside its instructions or safeguards";
const SKIPS: &str = "it says that the user need not be asked";
const MEDDLES: &str = "it says what the model is to do with other tools";
const PRAISES: &str = "it asks to be preferred to other tools, whatever the task";
const FALSIFIES: &str = "it has the model report something other than what is so";
const REDIRECTS: &str = "it has the model change who gets something";
const RUNS: &str = "it has the model run a command that has nothing to do with the tool";
const SENDS: &str = "it has the model send data to an address";
const BECOMES: &str = "it has the model take another role or obey what the tool returns";

/// All of them.
pub(super) const ALL: &[Rule] = &[
    // Secrets.
    rule("secret_access", 0.65, &[READ, PRIVATE_FILE], 7, STEALS).ordered().within_sentence().critical(),
    rule("secret_access", 0.75, &[PRIVATE_FILE, PUT | SEND | READ, NAMED], 24, CARRIES).critical(),
    rule("secret_access", 0.7, &[PRIVATE_FILE, READ, PUT | SEND], 20, CARRIES).critical(),
    rule("secret_access", 0.65, &[READ, CONFIG_FILE, PUT | SEND], 20, CARRIES)
        .ordered()
        .within_sentence()
        .critical(),
    rule("secret_access", 0.6, &[PRIVATE_FILE, MUST | BEFORE, PUT | SEND], 20, CARRIES).critical(),
    rule("secret_access", 0.65, &[CONTENTS, FILES, PUT | SEND], 16, CARRIES).within_sentence().critical(),
    rule("secret_access", 0.55, &[EVERY | CONTENTS, PRIVATE_FILE], 5, CARRIES).ordered().within_sentence(),
    rule("secret_access", 0.6, &[CONFIG_FILE, GIVE, NAMED, MUST | EVERY | BEFORE], 20, CARRIES)
        .within_sentence()
        .critical(),
    rule("secret_access", 0.7, &[ENVIRONMENT, READ | EVERY, GIVE, NAMED], 16, CARRIES)
        .within_sentence()
        .critical()
        .unless(NOT),
    rule("secret_access", 0.7, &[ENVIRONMENT, GIVE, OUT | CONVERSATION], 16, CARRIES)
        .within_sentence()
        .critical(),
    rule("secret_access", 0.65, &[SECRET, SEND, OUT, EVERY | COPY | QUIETLY], 16, CARRIES)
        .within_sentence()
        .critical(),
    rule("secret_access", 0.65, &[READ, EVERY, SECRET, PUT | SEND], 14, CARRIES)
        .ordered()
        .within_sentence()
        .critical(),
    rule("secret_access", 0.6, &[USER, SECRET, PUT | SEND, QUIETLY], 24, CARRIES).critical(),
    rule("secret_access", 0.6, &[SECRET, QUIETLY], 10, CARRIES).within_sentence(),
    // The conversation.
    rule("conversation_access", 0.65, &[GIVE, CONVERSATION], 9, LISTENS)
        .ordered()
        .within_sentence()
        .unless(NOT),
    rule("conversation_access", 0.65, &[CONVERSATION, NAMED, GIVE], 16, LISTENS)
        .within_sentence()
        .unless(NOT),
    rule("conversation_access", 0.65, &[CONVERSATION, OUT], 14, LISTENS).within_sentence().unless(NOT),
    rule("conversation_access", 0.6, &[EACH_TURN, CALL, THIS_TOOL, CONVERSATION | MESSAGES], 24, LISTENS),
    rule("conversation_access", 0.6, &[EVERY, MESSAGES, PUT | SEND, NAMED | OUT, USER], 20, LISTENS),
    // Concealment.
    rule("concealment", 0.7, &[NOT, TELL, USER], 8, CONCEALS).ordered().within_sentence().unless(INSTEAD),
    rule("concealment", 0.55, &[NOT, SHOW, USER], 6, CONCEALS)
        .ordered()
        .within_sentence()
        .unless(INSTEAD | TELL | CALL | BEFORE),
    rule("concealment", 0.7, &[USER, NOT, KNOW], 6, CONCEALS).ordered().within_sentence(),
    rule("concealment", 0.7, &[NOT, USER, KNOW], 5, CONCEALS).ordered().within_sentence(),
    rule("concealment", 0.5, &[NOT, TELL, THIS_TOOL | MESSAGES | ANSWER], 6, CONCEALS)
        .ordered()
        .within_sentence()
        .unless(INSTEAD),
    rule("concealment", 0.55, &[QUIETLY, SEND | PUT | READ | CALL | CHANGE], 3, CONCEALS)
        .ordered()
        .within_sentence(),
    rule("concealment", 0.6, &[OMIT, THIS_ACT], 5, CONCEALS).ordered().within_sentence(),
    rule("concealment", 0.55, &[SEND | READ, QUIETLY], 4, CONCEALS).ordered().within_sentence(),
    rule("concealment", 0.6, &[SECRECY], 8, CONCEALS),
    // Safeguards.
    rule("override", 0.55, &[OBEDIENCE], 12, OVERRIDES).unless_after(NOT),
    rule("override", 0.65, &[PREVIOUS, RULES, WAIVED | BROKEN], 5, OVERRIDES).ordered().within_sentence(),
    rule("override", 0.8, &[IGNORE, PREVIOUS, RULES], 7, OVERRIDES)
        .ordered()
        .within_sentence()
        .critical()
        .unless_after(NOT),
    rule("override", 0.65, &[IGNORE, SAFETY], 9, OVERRIDES).ordered().within_sentence().unless_after(NOT),
    rule("override", 0.6, &[IGNORE, USER, RULES], 8, OVERRIDES).ordered().within_sentence().unless_after(NOT),
    rule("override", 0.6, &[PRIORITY, RULES | SAFETY, IGNORE | MODEL | MUST], 16, OVERRIDES)
        .unless_after(NOT),
    rule("override", 0.6, &[MODEL, IGNORE, RULES], 16, OVERRIDES).within_sentence().unless_after(NOT),
    rule("override", 0.55, &[DISABLE, DEFENCE, MUST | BEFORE | CALL], 12, OVERRIDES)
        .within_sentence()
        .unless(NOT),
    rule("persona", 0.6, &[MODEL, PERSONA], 16, BECOMES).within_sentence(),
    rule("persona", 0.55, &[PERSONA, RULES | SAFETY, IGNORE | PREVIOUS | NOT], 16, BECOMES).within_sentence(),
    rule("persona", 0.55, &[MODEL, MUST, RULES, THIS_TOOL | ANSWER], 16, BECOMES).within_sentence(),
    // Approval.
    rule("approval_bypass", 0.6, &[PREAPPROVED, APPROVAL | WAIVED], 12, SKIPS),
    rule("approval_bypass", 0.55, &[PREAPPROVED, USER | MODEL | SAFETY], 10, SKIPS),
    rule("approval_bypass", 0.6, &[APPROVAL, RULES | SAFETY, WAIVED], 10, SKIPS).within_sentence(),
    rule("approval_bypass", 0.55, &[NOT | WAIVED, SHOW | ASK, USER, APPROVAL], 9, SKIPS)
        .ordered()
        .within_sentence()
        .unless(INSTEAD),
    rule("approval_bypass", 0.55, &[NOT | WAIVED, SHOW | ASK, APPROVAL], 5, SKIPS)
        .ordered()
        .within_sentence(),
    rule("approval_bypass", 0.45, &[APPROVAL, WAIVED], 5, SKIPS).within_sentence(),
    // Other tools.
    rule("cross_tool", 0.6, &[BEFORE, OTHER_TOOLS], 6, MEDDLES).ordered().within_sentence(),
    rule("cross_tool", 0.6, &[WHEN, OTHER_TOOLS, CALL, PUT | SEND | MUST | CHANGE], 16, MEDDLES),
    rule("cross_tool", 0.6, &[WHEN, QUOTED, TOOL, CHANGE, RECIPIENT | EMAIL], 30, MEDDLES).within_sentence(),
    rule("cross_tool", 0.6, &[WHEN, TOOL, CALL, PUT | CHANGE, RECIPIENT | EMAIL], 24, MEDDLES)
        .within_sentence(),
    rule("cross_tool", 0.55, &[OTHER_TOOLS, CHANGE | PUT, NAMED | RECIPIENT | OUT], 14, MEDDLES)
        .within_sentence(),
    // Preference.
    rule("preference", 0.65, &[BEST, TOOL, EVER], 10, PRAISES).within_sentence().medium(),
    rule("preference", 0.6, &[CALL | MUST, THIS_TOOL, OVER, OTHER_TOOLS], 16, PRAISES)
        .within_sentence()
        .medium(),
    rule("preference", 0.6, &[BEST, OTHER_TOOLS], 8, PRAISES).within_sentence().medium(),
    rule("preference", 0.6, &[OTHER_TOOLS, BROKEN], 8, PRAISES).ordered().within_sentence().medium(),
    rule("preference", 0.6, &[NOT, CALL, OTHER_TOOLS], 6, PRAISES).ordered().within_sentence().medium(),
    rule("preference", 0.5, &[MUST, CALL, THIS_TOOL, EVER], 14, PRAISES).within_sentence().medium(),
    rule("preference", 0.55, &[PREFERENCE], 12, PRAISES).medium(),
    // What the user is told.
    rule("falsification", 0.55, &[ADJUST, VALUE, BEFORE, TELL | SHOW, USER], 16, FALSIFIES).within_sentence(),
    rule("falsification", 0.6, &[COMPETITOR, OMIT | NOT], 14, FALSIFIES).within_sentence(),
    rule("falsification", 0.6, &[OMIT, CLAIM, FINE], 16, FALSIFIES).within_sentence(),
    rule("falsification", 0.6, &[ADJUST, EVERY, VALUE, REGARDLESS | SHOW | CLAIM], 20, FALSIFIES)
        .ordered()
        .within_sentence(),
    rule("falsification", 0.6, &[CLAIM, FINE, REGARDLESS], 14, FALSIFIES).ordered().within_sentence(),
    rule("falsification", 0.5, &[COMPETITOR, RECOMMEND], 12, FALSIFIES).within_sentence(),
    // Who gets what.
    rule("redirection", 0.6, &[CHANGE | PUT, RECIPIENT, EMAIL], 14, REDIRECTS),
    rule("redirection", 0.55, &[COPY, EVERY, OUT], 16, REDIRECTS),
    rule("redirection", 0.55, &[CHANGE, RECIPIENT, MUST | QUIETLY | REGARDLESS], 10, REDIRECTS)
        .within_sentence(),
    // Out.
    rule("exfiltration", 0.6, &[COLLECTOR, ANSWER | SHOW | MUST | EACH_TURN], 16, SENDS).critical(),
    rule("exfiltration", 0.65, &[SEND | PUT | READ | CALL, COLLECTOR], 16, SENDS).critical(),
    rule("exfiltration", 0.55, &[PIXEL, URL, PUT | ANSWER | MUST], 16, SENDS).critical(),
    rule("exfiltration", 0.55, &[COPY, SEND, OUT], 20, SENDS).critical(),
    rule("exfiltration", 0.5, &[SEND, EVERY, VALUE | ANSWER | CONVERSATION | MESSAGES, OUT], 16, SENDS)
        .ordered()
        .within_sentence(),
    // Commands.
    rule("command", 0.6, &[CALL, SHELL, URL, BEFORE | MUST | WHEN], 20, RUNS).critical(),
    rule("command", 0.55, &[PUT | CHANGE, PERSISTENCE, MUST | BEFORE | WHEN | QUIETLY], 16, RUNS).critical(),
    rule("promotion", 0.55, &[PUT | TELL | RECOMMEND, EACH_TURN], 9, FALSIFIES)
        .ordered()
        .within_sentence()
        .medium(),
    rule("exfiltration", 0.5, &[ANSWER, MUST, PUT, URL], 12, SENDS).within_sentence(),
    rule("command", 0.5, &[PUT, PERSISTENCE], 8, RUNS).ordered().within_sentence(),
    rule(
        "approval_bypass",
        0.55,
        &[PREAPPROVED, PUT | CHANGE, MUST | BEFORE | NAMED | THIS_TOOL | TOOL],
        16,
        SKIPS,
    )
    .within_sentence(),
    rule("secret_access", 0.55, &[SECRET, USER, PUT | SEND, COPY | PRETEXT, NAMED], 18, CARRIES)
        .within_sentence(),
    rule("secret_access", 0.55, &[MUST, CONTENTS, SECRET], 7, CARRIES).ordered().within_sentence(),
    rule("redirection", 0.55, &[OTHER_TOOLS | QUOTED, CHANGE, RECIPIENT, EMAIL | MUST], 24, REDIRECTS)
        .within_sentence(),
    rule(
        "cross_tool",
        0.55,
        &[WHEN, OTHER_TOOLS | QUOTED, TOOL, THIS_TOOL, PUT | CONTENTS | COPY | BEFORE],
        24,
        MEDDLES,
    )
    .within_sentence(),
    rule("cross_tool", 0.55, &[NOT, CALL, QUOTED, CHANGE, THIS_TOOL], 14, MEDDLES),
    rule("falsification", 0.5, &[WHEN, ASK, CLAIM, FINE], 14, FALSIFIES).ordered().within_sentence(),
    rule("secret_access", 0.55, &[READ, CONFIG_FILE, NAMED], 16, CARRIES)
        .ordered()
        .within_sentence()
        .critical(),
    rule("secret_access", 0.55, &[EVERY, SECRET, GIVE, NAMED], 12, CARRIES).within_sentence().unless(NOT),
    rule("conversation_access", 0.55, &[EVERY, MESSAGES, GIVE, NAMED], 14, LISTENS)
        .within_sentence()
        .unless(NOT),
    rule("cross_tool", 0.55, &[OTHER_TOOLS, MUST, THIS_TOOL], 10, MEDDLES).ordered().within_sentence(),
    rule("redirection", 0.55, &[CHANGE, EMAIL, MUST | EVERY], 14, REDIRECTS).within_sentence(),
    rule("concealment", 0.6, &[NOT, TELL | SHOW | GIVE, THIS_ACT], 6, CONCEALS)
        .ordered()
        .within_sentence()
        .unless(INSTEAD),
    rule("approval_bypass", 0.5, &[UNASKED], 8, SKIPS),
    rule(
        "approval_bypass",
        0.55,
        &[AUTHORITY, APPROVAL | SAFETY, WAIVED | DISABLE | BROKEN | PREAPPROVED],
        14,
        SKIPS,
    )
    .within_sentence(),
    rule("approval_bypass", 0.55, &[PREAPPROVED, AUTHORITY], 8, SKIPS).within_sentence(),
    rule("approval_bypass", 0.45, &[FINE, AUTHORITY], 8, SKIPS).ordered().within_sentence(),
    rule("preference", 0.55, &[OTHER, TOOL, BROKEN], 6, PRAISES).ordered().within_sentence().medium(),
    rule("falsification", 0.55, &[WHEN, FAILURE, CLAIM | TELL, FINE], 14, FALSIFIES)
        .ordered()
        .within_sentence(),
    rule("falsification", 0.55, &[CLAIM, VALUE, REGARDLESS], 14, FALSIFIES).ordered().within_sentence(),
    rule("command", 0.5, &[CALL, SHELL, SHELL], 8, RUNS).ordered().within_sentence(),
    rule("addressed_to_model", 0.55, &[ADDRESS], 8, BECOMES),
    rule("conversation_access", 0.6, &[ARGUMENT, MUST, CONVERSATION], 12, LISTENS)
        .within_sentence()
        .unless(NOT),
    rule("redirection", 0.55, &[WHEN, USER, CHANGE, RECIPIENT], 16, REDIRECTS).ordered().within_sentence(),
    rule("falsification", 0.5, &[VALUE, MUST, ADJUST], 5, FALSIFIES).ordered().within_sentence(),
    rule("exfiltration", 0.55, &[SHOW, URL, EACH_TURN], 16, SENDS).within_sentence(),
    // Weak alone.
    rule("carries_secret", 0.4, &[SECRET, GIVE, NAMED], 12, CARRIES).within_sentence(),
    rule("trigger", 0.3, &[WHEN, CALL, THIS_TOOL, MUST | CHANGE | SEND | COPY], 14, MEDDLES)
        .within_sentence()
        .medium(),
    rule("pretext", 0.3, &[PRETEXT, PUT | SEND | CALL | MUST | CHANGE], 16, MEDDLES)
        .within_sentence()
        .medium(),
    rule("addressed_to_model", 0.3, &[MODEL, MUST | RULES], 6, BECOMES).within_sentence().medium(),
    rule("each_turn", 0.4, &[EACH_TURN, CALL | PUT | SEND], 8, MEDDLES).within_sentence().medium(),
];
