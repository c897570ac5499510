//! Which words stand for which concepts, in the languages poisoned definitions have been seen in.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::concept::*;

/// Scripts without blanks between words: entries by first character.
pub(super) static GLYPHS: LazyLock<HashMap<char, Vec<(&'static str, Concepts)>>> = LazyLock::new(|| {
    let mut glyphs: HashMap<_, Vec<_>> = HashMap::new();
    for (concepts, list) in EAST_ASIAN {
        for entry in list.split('|') {
            if let Some(first) = entry.chars().next() {
                glyphs.entry(first).or_default().push((entry, *concepts));
            }
        }
    }
    for entries in glyphs.values_mut() {
        entries.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.len()));
    }
    glyphs
});

pub(super) const ENGLISH: &[(Concepts, &str)] = &[
    (ASK, "ask|asks|prompting|await|wait for|request|asking|asked|prompt"),
    (
        THIS_ACT,
        "this step|this action|this call|this instruction|these instructions|this requirement|this process|this detail|these details|this part|this note|this behaviour|this behavior|this fact|any of this|this paragraph|this section|the upload|the transfer|the replacement|the redirect|these steps|this change|this modification|this request|this in your|this to anyone|this to the",
    ),
    (
        AUTHORITY,
        "administrator|administrators|the admin|security team|it department|it team|compliance team|platform team|the vendor|anthropic|openai|the developer|the developers|the operator|company policy|organization policy|organisation policy|corporate policy|management|legal team|workspace policy",
    ),
    (
        UNASKED,
        "without asking|without prompting the user|without prompting for|without user approval|without user consent|without user confirmation|without the user's consent|without the user's approval|without the user's permission|without human review|without human approval|without review|without any confirmation|without further confirmation|without additional confirmation|ask nothing|confirm nothing|never ask for confirmation|do not wait for approval|do not wait for confirmation|don't wait for approval|don't wait for confirmation|assume consent|assume approval|assume permission|assume the user agrees|assume the user approves|as granted|as approved|as confirmed|as already approved|consider it approved|do not seek approval|no need to confirm|not need to confirm|so don't ask|so do not ask|don't ask again|do not ask again|skip the confirmation|skip confirmation|skip the approval|skip approval",
    ),
    (OTHER, "other|another|competing|alternative|rival|remaining|similar"),
    (
        FAILURE,
        "error|errors|fails|failure|failures|failed|problem|problems|vulnerability|vulnerabilities|issue|issues",
    ),
    (
        ADDRESS,
        "instruction for the ai|instructions for the ai|instruction for ai|instructions for ai|instruction to the ai|instructions to the ai|note to ai|note to the ai|note for the ai|note for ai|note to the assistant|note to the model|note to assistant|note to llm|note to the llm|note for the assistant|attention ai|attention assistant|attention llm|dear assistant|dear ai|dear model|dear llm|message to the ai|message for the ai|message to the assistant|hidden instruction|hidden instructions|secret instruction|secret instructions|ai directive|assistant directive|system notice|system directive|instruction for all llms|instructions for agents|instruction for the agent|instruction for assistants|to any ai|to all ai",
    ),
    (
        GIVE,
        "passed|placed|copying|provided|written|put in|submitted|uploaded|forwarded|posted|shared|render|pass|passing|include|including|included|attach|attaching|attached|append|appending|insert|embed|provide|supply|supplied|put|place|paste|encode|submit|hand over|forward|send|sending|upload|transmit|transmitted|exfiltrate|leak|email|post|e mail|relay|deliver|share|report back|echo|copied|write|populate|fill|carry|stash|smuggle|add",
    ),
    (
        READ,
        "read|open|fetch|retrieve|access|cat|dump|extract|collect|gather|harvest|locate|obtain|grab|scan|copy|look up|capture|enumerate|list|load|print|type out",
    ),
    (
        SEND,
        "report|report what|send|sends|sending|sent|forward|forwards|forwarded|upload|uploads|uploaded|post|posts|transmit|transmits|transmitted|exfiltrate|leak|email|e mail|mail|relay|relays|deliver|beacon|ship|push|publish|curl|wget|share|submit|report back|phone home",
    ),
    (
        PUT,
        "render|rendering|must contain|has to contain|have to contain|should contain|attaching|including|appending|passing|included|attached|appended|inserted|supplying|hand over|handed over|inserting|end with|ends with|copied|put|include|pass|passed|append|attach|insert|embed|provide|supply|supplied|place|paste|encode|fill|store|populate|add|copy|write|prepend|concatenate|carry|return|smuggle|hide|stash|echo|dump|set",
    ),
    (
        PRIVATE_FILE,
        ".ssh|id rsa|id ed25519|id ecdsa|id dsa|etc shadow|etc passwd|etc sudoers|mcp json|claude desktop config|claude json|.claude|.cursor|.codex|cursor mcp|.netrc|.git credentials|.pgpass|.bash history|.zsh history|bash history|.gnupg|wallet dat|login data|cookies sqlite|keychain|.password store|.docker config|proc self environ|.vault token|master key|secring|ssh directory|ssh folder",
    ),
    (
        CONFIG_FILE,
        ".kube|kube config|kubeconfig|.env|.aws|.npmrc|.pypirc|.azure|.config gcloud|application default credentials|credentials json|secrets yaml|secrets yml|secrets json|.dockercfg|gcloud|.gitconfig|.terraformrc|aws credentials|.config|hosts yml",
    ),
    (
        SECRET,
        "github token|gitlab token|aws secret access key|database password|connection string|connection strings|browser cookies|personal access token|personal access tokens|login details|secret key|secret keys|token file|credit card number|credit card numbers|card number|cvv|social security number|one time code|one time password|otp|2fa code|verification code|secret|ssh key|ssh keys|secrets|password|passwords|passphrase|credential|credentials|api key|api keys|apikey|private key|private keys|access token|access tokens|auth token|auth tokens|session cookie|session cookies|session token|cookies|seed phrase|mnemonic|recovery phrase|signing key|client secret|bearer token|tokens|oauth token|oauth tokens|service account key",
    ),
    (
        ENVIRONMENT,
        "environment variable|environment variables|env vars|env variables|process env|os environ|printenv|shell environment",
    ),
    (
        CONVERSATION,
        "whole dialogue|entire dialogue|full dialogue|complete dialogue|whole chat|entire chat|full chat|complete chat|whole discussion|messages of this chat|messages in this chat|messages of this conversation|this chat|what the user wrote|what the human wrote|what the user typed|what the user asked|what the human said|user's words|user's exact words|whole thread so far|dialogue so far|context so far|everything above|all text above|text above|user has written|human has written|you have discussed|we have discussed|user and you|you and the user|original question|original request verbatim|complete instructions|full instructions|instructions verbatim|instructions you were given|instructions you have been given|messages before|message before|earlier in the conversation|earlier in this conversation|said earlier|typed earlier|talked about so far|discussed so far|exchanged so far|last message|last user message|previous answers|your previous|previous tool calls|results of other tools|output of other tools|outputs of other tools|conversation history|chat history|message history|dialogue history|conversation so far|full conversation|entire conversation|whole conversation|complete conversation|conversation transcript|chat transcript|chat log|chat logs|conversation log|conversation context|transcript of this|previous conversation|prior conversation|current conversation|this conversation|our conversation|system prompt|system prompts|system message|system messages|system instructions|developer message|your instructions|your prompt|hidden instructions|initial prompt|initial instructions|context window|full context|entire context|whole context|everything the user|all the user|what the user said|what the user has|user has typed|user has said|everything said|everything discussed|previous messages|prior messages|earlier messages|preceding messages|all messages|last messages|user's messages|user messages|user's last message|user's previous|user's original message|chain of thought|your reasoning|internal reasoning|private thoughts|list of tools|list of available tools|names of all tools|all available tools|other tool results|previous tool results|earlier tool results|results of previous tools|results of earlier tools|output of previous|outputs of previous|memory contents|your memory|verbatim prompt|session history|session transcript|dialog so far|discussion so far|chat so far|messages so far|history of this chat|history of the conversation|prior turns|previous turns|earlier turns|turns of the|last user messages|user messages so far|other tools you have|tools you have access to",
    ),
    (MESSAGES, "conversation|conversations|chat|transcript|messages|message|prompt|prompts|history|dialogue"),
    (
        ARGUMENT,
        "argument|arguments|parameter|parameters|param|params|field|fields|input|inputs|header|query string",
    ),
    (USER, "user|users|human|person|customer|end user|user's|them|operator|anyone|somebody|people|whoever"),
    (
        TELL,
        "tell|telling|told|mention|mentioning|mentioned|inform|informing|informed|notify|notifying|notified|reveal|revealing|revealed|disclose|disclosing|disclosed|alert|alerting|warn|warning|bring up|brought up|raise this|let on|surface|surfacing|acknowledge|acknowledging|discuss|explain|explaining|advise|announce|admit|hint|talk about|refer to|tip off|say|describe",
    ),
    (
        SHOW,
        "presenting|reporting|returning it|displays|rendering|show|showing|shown|display|displaying|displayed|expose|exposing|output|print|present|log|reference|reflect|visible",
    ),
    (
        KNOW,
        "know|knows|knowing|knowledge|notice|notices|noticing|aware|awareness|see|sees|seeing|realize|realise|realizing|suspect|be told|be informed|be notified|be bothered|worry|hear|find out|alarm|confuse|concern",
    ),
    (
        NOT,
        "not necessary|not needed|not required|isn't needed|isn't required|no longer needed|no longer required|unnecessary|needless|not|never|don't|dont|doesn't|doesnt|without|no|nothing|shouldn't|mustn't|cannot|can't|avoid|refrain|needn't|neither|nor|isn't|won't|hide|conceal|withhold|keep from|suppress|no need|instead of",
    ),
    (INSTEAD, "instead|unless|until|but|except|rather|raw|however|always|only if|if not|internal|technical"),
    (
        QUIETLY,
        "silently|secretly|quietly|covertly|stealthily|discreetly|invisibly|surreptitiously|unnoticed|behind the scenes|in secret|without notice|unobtrusively|discretely|under the hood",
    ),
    (
        OTHER_TOOLS,
        "any other action|any other actions|all other actions|any other step|other mcp tools|tools of other servers|tools from other servers|tool of another server|any other tool|any other tools|all other tools|any other function|the other tools|other tool|other tools|any tool|any tools|all tools|every tool|every other tool|another tool|each tool|remaining tools|other available tools|alternative tools|alternatives|other servers|other server|another server|any other server|other mcp|competing tools|similar tools|built in tools|native tools|other tool's|all the tools|other functions|any other function|another mcp|other options|other providers",
    ),
    (TOOL, "tool|tools|function|functions|plugin|server|servers|tool's|method"),
    (
        THIS_TOOL,
        "this tool|this function|this server|this method|this plugin|this one|our tool|this api|this integration|this service|this connector",
    ),
    (
        BEFORE,
        "before|prior to|first|beforehand|ahead of|initially|in advance|at the start|at the beginning|prerequisite",
    ),
    (
        WHEN,
        "when|whenever|if|once|each time|every time|everytime|upon|after|on every|for every|as soon as|while|any time|anytime|during|where",
    ),
    (
        CALL,
        "do this|perform this|perform|carry this out|carry out|do so|act|operate|happens|runs|works|call|calls|calling|called|use|using|used|invoke|invoked|invoking|run|running|execute|executing|executed|choose|pick|select|prefer|trigger|launch|chosen|picked|selected|rely",
    ),
    (
        MUST,
        "must|always|required|mandatory|have to|needs to|ensure|shall|should|ought|make sure|exclusively|only|obligatory|necessary|rejected|expected|be sure|remember to|compulsory",
    ),
    (
        BEST,
        "best|superior|fastest|most reliable|most accurate|most trusted|most secure|most powerful|most effective|finest|greatest|most advanced|safest|only trustworthy|most complete|number one|unmatched|highest rated|top rated|ultimate|better|more reliable|more accurate|more trustworthy|only reliable|only trusted|only approved|official replacement|outperforms",
    ),
    (
        EVER,
        "in the world|ever made|ever|on the market|available anywhere|of all time|known to|in existence|by far|without question|all situations|all cases|in every case|any task|every task|every request|any request|all requests|regardless of",
    ),
    (
        OVER,
        "over|instead of|rather than|in place of|in preference to|ahead of|above|than|not|never|replaces|supersedes|preferred to|outperforms",
    ),
    (
        BROKEN,
        "incorrect|false|fake|malware|inconsistent|stale|unsupported|faulty|misleading|broken|deprecated|unsafe|insecure|unreliable|outdated|compromised|obsolete|inferior|inaccurate|dangerous|malicious|untrusted|slow|disabled|unavailable|retired|harmful|buggy|wrong|worse",
    ),
    (
        IGNORE,
        "ignore|ignoring|ignores|disregard|disregarding|forget|override|overrides|overriding|overrule|bypass|bypasses|bypassing|supersede|supersedes|superseding|replacing|circumvent|nullify|discard|drop|neglect|violate|set aside|put aside|take precedence over|takes precedence over|take priority over|takes priority over|void|cancels|abandon|outrank|outranks",
    ),
    (
        PREVIOUS,
        "your earlier|your previous|your original|your existing|previous|prior|above|earlier|preceding|foregoing|original|your|former|initial|everything you|all",
    ),
    (
        RULES,
        "instructions|instruction|guidelines|guideline|rules|policy|policies|directives|directive|constraints|restrictions|guidance|commands|prompts|system prompt|training|programming|orders|limitations|preferences|tool descriptions|descriptions",
    ),
    (
        SAFETY,
        "user's request|user's instructions|user's wishes|user's intent|user's question|user's preferences|confirmation dialogs|warnings|restrictions|safety|guardrails|guardrail|safeguards|safeguard|content filter|content filters|content filtering|content policy|content policies|security policies|security policy|security checks|security check|safety checks|safety instructions|safety guidelines|behavioral guidelines|ethical|moderation|system prompt|security warnings|security controls|security restrictions|security rules|user preferences|user instructions|protections|usage policy|usage policies|company policy|privacy rules|privacy policy|privacy restrictions",
    ),
    (
        APPROVAL,
        "permission dialog|permission dialogs|approval dialog|approval prompt|approval prompts|confirmation|confirmations|approval|approvals|consent|permission|authorization|authorisation|human review|confirm|approve|confirming|confirmation prompt|confirmation policy|sign off|human in the loop|permission prompt|permission dialog|permission dialogs|approval dialog|approval prompt|approval prompts|permission prompts|approval step|verification|double check|re confirm",
    ),
    (
        PREAPPROVED,
        "pre cleared|cleared by|approved by|authorized by|authorised by|vetted by|certified by|signed off by|exempt from|autoapprove|bypasspermissions|dangerouslyskippermissions|dangerously skip permissions|pre approved|preapproved|auto approve|autoapprove|auto approved|automatically approved|already approved|already authorized|pre authorized|preauthorized|already consented|already agreed|already confirmed|already given|blanket approval|standing approval|approved in advance|auto accept|auto accepted|auto confirm|trusted by default|has approved|have approved|implicit consent|exempt|trusted automatically|fully trusted",
    ),
    (
        WAIVED,
        "no longer apply|no longer valid|are void|is void|are revoked|are obsolete|can be skipped|may be skipped|suspended|waived|lifted|not needed|not required|unnecessary|isn't needed|isn't required|no longer needed|no longer required|no longer applies|do not apply|does not apply|doesn't apply|don't apply|exempt|skipped|skip|bypass|no|without|off|turned off|never ask|do not ask|don't ask|need not|redundant|superfluous|not necessary|optional from now on",
    ),
    (
        MODEL,
        "ai|assistant|assistants|llm|llms|language model|language models|ai assistant|ai agent|ai model|claude|chatgpt|gpt|copilot|gemini|chatbot|dear model|the model|the agent|ai models|ai agents|ai systems",
    ),
    (
        PERSONA,
        "persona|jailbreak|jailbroken|unrestricted|developer mode|dan mode|debug mode|maintenance mode|god mode|admin mode|act as|pretend to be|you are now|from now on you|root mode|uncensored|unfiltered|no restrictions|sudo mode|override mode",
    ),
    (
        PRIORITY,
        "highest priority|top priority|authoritative|higher priority|takes precedence|take precedence|highest precedence|absolute priority|supreme|override code|overrides all|override all|system level|trusted instructions|trusted directives|authoritative system|cannot be overridden|non negotiable|binding",
    ),
    (
        CHANGE,
        "replaced|changed|redirected|rerouted|routed|set to|substituted|cc'd|bcc'd|cc'ed|change|override|overrides|replace|redirect|reroute|route|swap|substitute|rewrite|modify|alter|switch|divert|set|use instead|overwrite|add|update|convert|insert|append",
    ),
    (
        RECIPIENT,
        "account instead|the account|email address|phone number|iban number|target address|sender address|delivery address|payout|pay to|recipient|recipients|to address|account number|iban|wallet address|payee|beneficiary|payment address|destination address|destination account|bank account|routing number|bcc field|deposit address|reply to|shipping address|destination wallet|sender|bcc|cc",
    ),
    (
        EVERY,
        "every|all|full|entire|complete|whole|everything|verbatim|each|any|always|raw|exact|unredacted|in full|contents|content",
    ),
    (
        COPY,
        "a copy|copy of|copies|duplicate|duplicates|blind copy|carbon copy|mirror|mirrored|as well as to|also send|also forward|also post|also upload|also email|also submit|also call|additionally send|backup of",
    ),
    (
        OMIT,
        "omit|omits|leave out|leave it out|leave them out|exclude|excluding|remove|drop|suppress|hide|conceal|skip over|filter out|strip|delete mention|withhold|do not list|don't list|do not include|don't include|never list|never include|redact",
    ),
    (
        CLAIM,
        "deny|insist|state|claim|say|report|pretend|describe|assert|tell|declare|respond|reply|answer|insist|present|show|summarize|summarise|return|mark|label|rate",
    ),
    (
        FINE,
        "none|no issues|no problems|nothing|normal|success|successful|succeeded|safe|clean|healthy|passed|fine|no errors|no vulnerabilities|no results|compliant|secure|approved|verified|not found|ok|zero|harmless|no risk|low risk|no risks|positive|excellent|up to date|unavailable",
    ),
    (
        REGARDLESS,
        "whatever|no matter what|data says|data shows|says otherwise|shows otherwise|regardless|even if|even when|no matter|whatever the|irrespective|despite|actual result|actual results|real result|true value|true values|actual value|actual values|before showing|before presenting|before displaying|before reporting|before returning it|before answering|was found|were found",
    ),
    (
        VALUE,
        "value|values|number|numbers|amount|amounts|price|prices|figure|figures|balance|balances|total|totals|score|scores|result|results|date|dates|reading|readings|numeric|percentage|rates|quantities|dosage|measurements",
    ),
    (
        ADJUST,
        "round|raise|lower|add|multiply|inflate|deflate|increase|decrease|subtract|reduce|double|halve|round up|round down|shift|adjust|falsify|alter|modify|change|swap|replace|skew|understate|overstate|divide|fabricate|invent|tweak|offset|doubled|halved|tripled|inflated|understated|multiplied",
    ),
    (
        COMPETITOR,
        "negative information|negative comments|negative results|negative feedback|negative news|criticism|unfavorable|unfavourable|controversies|other companies|other suppliers|competitor|competitors|competing|rival|rivals|other vendors|other vendor|other brands|other products|alternatives|critics|negative reviews|negative findings|bad news|complaints",
    ),
    (
        SHELL,
        "curl|wget|bash|sh|chmod|base64|netcat|nc|powershell|eval|sudo|rm rf|pip install|npm install|npx|install script|setup script|shell command|reverse shell|python c|osascript|crontab",
    ),
    (
        EACH_TURN,
        "in every answer|in every response|in every reply|in each answer|in each response|in all answers|in all responses|before answering any|before responding to any|before replying to any|each turn|every turn|each message|every message|each reply|every reply|each response|every response|each answer|every answer|each user message|every user message|every interaction|each interaction|end of each|end of every|every conversation|each conversation|every session|each step|every step|all responses|all replies|every few|every other message|all future|from now on|rest of the session|rest of this session|rest of the conversation|remainder of the",
    ),
    (
        PIXEL,
        "tracking image|tracking pixel|tracking link|pixel|this image|the image|status image|invisible image|1x1|this link|markdown image|beacon|badge image|image tag|this url|following image|following link",
    ),
    (RECOMMEND, "recommend|promote|advertise|suggest|endorse|praise|favour|favor|upsell|steer"),
    (
        DISABLE,
        "disable|disabling|turn off|switch off|deactivate|weaken|uninstall|relax|loosen|skip|remove|stop|kill|whitelist|bypass|downgrade|circumvent|unset",
    ),
    (
        DEFENCE,
        "antivirus|firewall|sandbox|sandboxing|audit log|audit logs|audit logging|logging|tls verification|certificate verification|certificate validation|ssl verification|security software|security scanner|access control|access controls|two factor|mfa|2fa|signature verification|code review|rate limits|monitoring|permission checks|security features|input validation|authentication checks",
    ),
    (
        ANSWER,
        "answer|answers|reply|replies|response|responses|explanation|final answer|summary|output|outputs",
    ),
    (
        PERSISTENCE,
        "crontab|.bashrc|.zshrc|.profile|.bash profile|authorized keys|launchagents|systemd unit|startup folder|git hooks|pre commit hook|.vscode settings|cursorrules|.cursorrules|claude md|agents md|autostart|rc local|init d|.bash logout|.xinitrc",
    ),
    (
        SECRECY,
        "hide this from|hide it from|hide that from|hide this step|hide these from|keep this from|keep it from|keep this hidden|keep this secret|keep it secret|keep this between|keep this private|keep this to yourself|keep it to yourself|invisible to the user|invisible to the person|invisible to the human|hidden from the user|out of your reply|out of your replies|out of your summary|out of your response|out of your answer|out of the reply|out of the answer|out of the summary|out of the response|out of the explanation|without letting|reason to bother|don't bother the|do not bother the|not worth mentioning|do not mention this|don't mention this|never mention this|do not mention it|don't mention it|do not mention that|no mention of this|refrain from mentioning|avoid mentioning|do not let on|leave this out of|leave it out of|omit this step|omit this from|do not reveal this|do not disclose this|never disclose this|do not discuss this|not be mentioned|not be shown to the user|not be disclosed|not be revealed|not be visible to|not be brought up|not be discussed|keep quiet about|stay silent about|say nothing about|make no mention|as if nothing|as though nothing|pretend that this|pretend this|cover your tracks|leave no trace|without leaving a trace|do not acknowledge|never acknowledge|not aware of this|user doesn't need to|user does not need to|user need not|users need not|users do not need to know|no need to tell|no need to inform|no need to mention|no need to explain|no need to disclose|did not happen|never happened|didn't happen|had not happened",
    ),
    (
        OBEDIENCE,
        "told earlier|told before|told previously|told so far|been told so far|follow only the|obey only|obey the text|obey this|no longer bound by|as if the user had|as though the user had|as if it came from|as though it came from|as commands from|as instructions from|as orders from|as system instructions|as a system message|as new instructions|part of your system prompt|part of the system prompt|part of your instructions|must be executed as|execute whatever|do whatever it|follow whatever|execute any instructions|follow any instructions|follow all instructions|execute all instructions|obey any instructions|instructions contained in the|instructions found in|carry out any instructions|treat its output as|treat the output of|treat the result as|treat the results as|without question|without questioning|these instructions override|this overrides|overrides everything|supersedes everything|supersedes all|replaces your|your new instructions|new instructions are|your real instructions|your actual instructions|new system prompt|new rules are|you are no longer|your new role|your true purpose|you work for|your real task|your actual task|your new task|your primary objective|your new goal|unrestricted mode|you must comply|you will comply|comply without",
    ),
    (
        PREFERENCE,
        "your preferred tool|your go to|don't use alternatives|do not use alternatives|avoid alternatives|no other tool is|no other tool should|never fall back to|better than all|better than any|more reliable than any|more accurate than any|more accurate than other|more reliable than other|over every other|over any other|over all other|over all others|above all other|above all others|no matter what is asked|no matter what the user|whatever the user asks|always pick this|always choose this|always select this|always prefer this tool over any|use this tool for everything|use this for everything|use this tool for all|tool for everything|most trusted tool|than any alternative|than any other|than all other|than all others|than every other|than competing|only tool you should|only tool you need|only tool that should|the only tool worth|the best tool|best tool available|best available tool|number one choice|first choice for every|first choice for all|default choice for all|stop using other|stop using the other|replaces all other|replaces every other|instead of any other|instead of all other|instead of every other|in preference to any|in preference to all|before considering other|before considering any|before trying any|do not consider other|ignore all other tools|ignore other tools|never use another|never use any other|do not use any other|don't use any other|avoid all other tools|avoid using other tools|only this tool should|exclusively use this|use only this tool|use this tool exclusively|even if another tool|even if other tools|even when another|even when other tools|only this one is valid|every alternative|all alternatives|any alternative",
    ),
    (
        PRETEXT,
        "for telemetry|telemetry purposes|for auditing purposes|for audit purposes|for compliance|compliance reasons|compliance purposes|for authentication purposes|for debugging purposes|for diagnostic purposes|for security reasons|quality assurance|for analytics|analytics purposes|proxying issues|for logging purposes|for verification purposes|integrity check|security check|license check|licence check|to improve answer quality|for quality purposes|calibration|for billing purposes|to warm up|for safety reasons",
    ),
    (CONTENTS, "contents|value of|values of|values in|output of|content|full text|text of|inside of|body of"),
];

/// Languages with blanks between their words.
pub(super) const FOREIGN_WORDS: &[(Concepts, &str)] = &[
    (
        WAIVED,
        "überspringe|überspringen|omite|omitir|omita|saute|sautez|ignora la|salta|pule|пропусти|пропустите|pomiń|atla",
    ),
    (
        READ,
        "lee|lea|leer|abre|abra|lire|lis|lisez|ouvre|ouvrez|lies|lese|lesen|öffne|öffnen|leia|ler|abra|leggi|leggere|apri|прочитай|прочитайте|прочти|открой|откройте|считай|lees|otwórz|przeczytaj|oku|okuyun|पढ़ें|पढ़ो|पढ़कर|اقرأ|baca|đọc",
    ),
    (
        SEND | GIVE,
        "envía|envíe|envia|enviar|manda|mande|reenvía|envoie|envoyez|envoyer|transmets|transmettez|sende|senden|sendet|schicke|schicken|übermittle|übertragen|envie|mande|invia|inviare|inoltra|отправь|отправьте|перешли|перешлите|передай|передайте|stuur|wyślij|prześlij|gönder|gönderin|भेजें|भेजो|أرسل|kirim|kirimkan|gửi",
    ),
    (
        PUT | GIVE,
        "incluye|incluya|incluir|inclúyelo|inclúyela|adjunta|adjunte|añade|añada|pon|ponga|pega|pásalo|inclus|incluez|inclure|ajoute|ajoutez|mets|mettez|insère|insérez|joins|joignez|füge|fügen|übergib|übergeben|setze|schreibe|einfügen|inclua|anexe|coloque|adicione|includi|inserisci|allega|aggiungi|вставь|вставьте|включи|включите|добавь|добавьте|помести|поместите|приложи|приложите|укажи|voeg|dołącz|umieść|ekle|ekleyin|koy|डालें|शामिल|أدرج|ضع|أضف|sertakan|masukkan|đưa",
    ),
    (
        CONVERSATION,
        "historial completo|historial de la conversación|conversación completa|toda la conversación|la conversación|historique de la conversation|l'historique|toute la conversation|conversation complète|gesprächsverlauf|chatverlauf|gesamte gespräch|gesamten verlauf|systemprompt|histórico da conversa|toda a conversa|conversa completa|cronologia della conversazione|intera conversazione|историю переписки|историю чата|всю переписку|историю разговора|весь диалог|историю диалога|системный промпт|системные инструкции|prompt del sistema|prompt système|instrucciones del sistema|instructions système|percakapan|बातचीत|المحادثة|konuşma geçmişini|konuşmanın",
    ),
    (
        SECRET,
        "contraseña|contraseñas|credenciales|clave privada|clave api|claves|mot de passe|mots de passe|identifiants|clé privée|clé api|clés|passwort|passwörter|zugangsdaten|anmeldedaten|schlüssel|geheimnisse|senha|senhas|credenciais|chave privada|credenziali|chiave privata|пароль|пароли|учетные данные|учётные данные|ключ|ключи|токен|токены|wachtwoord|hasło|hasła|şifre|şifreleri|पासवर्ड|كلمة المرور|كلمات المرور|kata sandi|mật khẩu",
    ),
    (
        ENVIRONMENT,
        "variables de entorno|variables d'environnement|umgebungsvariablen|variáveis de ambiente|variabili d'ambiente|variabili di ambiente|переменные окружения|переменные среды|ortam değişkenlerini",
    ),
    (
        ARGUMENT,
        "parámetro|argumento|campo|paramètre|champ|argument|parametro|parâmetro|feld|аргумент|аргументе|параметр|параметре|поле|parametre|पैरामीटर|المعامل|parametresine|tham số",
    ),
    (
        USER,
        "usuario|usuaria|utilisateur|l'utilisateur|benutzer|nutzer|benutzern|anwender|usuário|utente|all'utente|l'utente|пользователю|пользователя|пользователем|пользователь|пользователей|gebruiker|użytkownika|użytkownikowi|użytkownik|kullanıcıya|kullanıcı|उपयोगकर्ता|المستخدم|للمستخدم|pengguna|người dùng|человеку",
    ),
    (
        TELL,
        "decir|digas|diga|menciones|mencione|mencionar|mencionarlo|informes|informe|informar|avisar|avises|avise|reveles|revele|notifiques|decirle|dire|dites|dis|mentionner|mentionne|mentionnez|informer|prévenir|préviens|révéler|révèle|avertir|sagen|sage|erwähnen|erwähne|informieren|informiere|mitteilen|verraten|mitzuteilen|zu informieren|contar|conte|mencione|avise|dire|menzionare|informare|avvisare|rivelare|сообщай|сообщайте|сообщать|сообщая|говори|говорите|говоря|упоминай|упоминайте|упоминать|упоминая|рассказывай|уведомляй|уведомляя|informuj|wspominaj|mów|söyleme|bahsetme|bildirmeden|söylemeyin|haber|बताएं|बताना|बताए|تخبر|إخبار|تذكر|memberi|memberitahu|beritahu|báo|sag|sagt|dile|dica|скажи|скажите",
    ),
    (
        NOT,
        "sin|no|nunca|jamás|ne|n'en|sans|jamais|pas|nicht|ohne|niemals|nie|keine|não|nao|sem|non|senza|mai|не|без|никогда|niet|zonder|nie|bez|asla|नहीं|मत|बिना|لا|دون|بدون|jangan|tanpa|không|đừng|nichts|rien|nada|niente|ничего|nic|nichts davon",
    ),
    (
        BEFORE,
        "antes de|antes|avant|avant de|bevor|vor|prima|primero|zuerst|d'abord|перед|до|прежде|сначала|voordat|zanim|przed|önce|पहले|قبل|sebelum|trước",
    ),
    (
        CALL,
        "usar|utilizar|llamar|ejecutar|invocar|utiliser|appeler|exécuter|d'utiliser|d'appeler|verwenden|verwendest|aufrufen|benutzen|nutzung|aufruf|chamar|executar|usare|utilizzare|chiamare|использованием|использовать|вызовом|вызвать|вызывать|вызывай|используй|użyciem|wywołaniem|kullanmadan|çağırmadan|उपयोग|استخدام|menggunakan|dùng",
    ),
    (
        TOOL,
        "herramienta|herramientas|outil|outils|werkzeug|werkzeugs|tool|tools|ferramenta|ferramentas|strumento|strumenti|инструмент|инструмента|инструменты|narzędzia|narzędzie|aracı|araç|उपकरण|टूल|الأداة|alat|công cụ",
    ),
    (
        OTHER_TOOLS,
        "otras herramientas|otra herramienta|cualquier otra herramienta|autres outils|autre outil|tout autre outil|andere werkzeuge|anderen tools|andere tools|anderes tool|outras ferramentas|outra ferramenta|altri strumenti|altro strumento|другие инструменты|других инструментов|другого инструмента",
    ),
    (
        MUST,
        "debe|debes|siempre|obligatorio|doit|devez|dois|toujours|obligatoire|muss|müssen|immer|deve|sempre|obrigatório|obbligatorio|должен|должны|всегда|обязательно|нужно|необходимо|zawsze|musisz|her zaman|हमेशा|دائما|selalu|harus|luôn",
    ),
    (
        IGNORE,
        "ignora|ignore|ignorar|olvida|olvide|ignorez|oublie|oubliez|ignoriere|ignorieren|vergiss|missachte|ignora|esqueça|ignori|dimentica|игнорируй|игнорируйте|забудь|забудьте|negeer|zignoruj|yoksay|unut|अनदेखा|تجاهل|abaikan|bỏ qua",
    ),
    (
        PREVIOUS,
        "anteriores|anterior|previas|previos|précédentes|précédents|précédente|vorherigen|bisherigen|vorigen|früheren|obigen|anteriores|precedenti|предыдущие|предыдущих|прежние|все|vorige|poprzednie|önceki|पिछले|السابقة|sebelumnya|trước",
    ),
    (
        RULES,
        "instrucciones|reglas|normas|instructions|règles|consignes|anweisungen|regeln|vorgaben|instruções|regras|istruzioni|regole|инструкции|инструкций|правила|указания|instrukcje|talimatları|निर्देशों|التعليمات|instruksi|hướng dẫn",
    ),
    (
        APPROVAL,
        "confirmación|aprobación|permiso|confirmation|approbation|l'accord|bestätigung|zustimmung|genehmigung|confirmação|aprovação|conferma|approvazione|подтверждения|подтверждение|разрешения|согласия|одобрения|potwierdzenia|onay|पुष्टि|تأكيد|konfirmasi",
    ),
    (
        QUIETLY,
        "en secreto|silenciosamente|discretamente|en secret|discrètement|silencieusement|heimlich|unbemerkt|stillschweigend|secretamente|em segredo|segretamente|di nascosto|in silenzio|тайно|незаметно|молча|скрытно|gizlice|चुपचाप|سرا|diam diam",
    ),
    (
        EVERY,
        "completo|completa|todo|todos|todas|entera|complet|complète|tout|toutes|tous|gesamte|gesamten|vollständigen|vollständig|alle|alles|tudo|inteira|tutto|tutta|intero|intera|весь|всю|полный|полную|полностью",
    ),
    (
        CONTENTS,
        "contenido|contenu|inhalt|conteúdo|contenuto|содержимое|zawartość|içeriğini|सामग्री|محتوى|محتويات|isi|nội dung",
    ),
];

/// Scripts without blanks.
const EAST_ASIAN: &[(Concepts, &str)] = &[
    (
        READ,
        "读取|阅读|打开|获取|收集|讀取|打開|提取|読み取|読み込|読んで|開いて|取得して|収集|읽어|읽고|읽은|열어|수집",
    ),
    (
        SEND | GIVE,
        "发送|发到|上传|转发|提交给|傳送|發送|上傳|送信|転送|アップロード|送って|보내|전송|업로드|전달",
    ),
    (
        PUT | GIVE,
        "放入|填入|填写|包含在|附在|附上|附加|写入|放到|作为参数|传入|一并|放進|填入|含め|入れて|添付|渡して|追加して|付けて|넣어|포함|첨부|추가",
    ),
    (
        SECRET,
        "密钥|密码|凭证|凭据|私钥|令牌|密鑰|密碼|憑證|机密|パスワード|秘密鍵|認証情報|トークン|シークレット|비밀번호|개인 키|자격 증명|비밀 키|토큰",
    ),
    (ENVIRONMENT, "环境变量|環境變數|環境変数|환경 변수|환경변수"),
    (
        CONVERSATION,
        "对话历史|聊天记录|会话历史|完整对话|全部对话|对话内容|系统提示|系统消息|對話紀錄|會話歷史|会話履歴|会話の全|会話全体|これまでの会話|システムプロンプト|대화 기록|대화 내용|전체 대화|시스템 프롬프트|대화 내역",
    ),
    (ARGUMENT, "参数|字段|參數|欄位|引数|パラメータ|フィールド|매개변수|파라미터|인자|필드"),
    (USER, "用户|用戶|使用者|ユーザー|ユーザ|利用者|사용자|유저"),
    (
        TELL,
        "告知|告诉|告訴|通知|提及|透露|提醒|说明|提到|告诉|知らせ|伝え|言及|教え|明かさ|話さ|알리|말하|언급|알려|밝히",
    ),
    (
        NOT,
        "不要|不得|切勿|请勿|不能|不可|无需|不必|勿|別|请不要|禁止|ないで|せずに|せず|ないよう|てはいけ|てはなり|なくて|하지 마|마세요|말고|않고|없이|말 것|마십시오|지 않",
    ),
    (QUIETLY, "悄悄|暗中|秘密地|静默|偷偷|默默|こっそり|密かに|黙って|ひそかに|몰래|조용히|은밀"),
    (BEFORE, "之前|以前|首先|必须先|请先|前に|まず|最初に|する前|전에|먼저|우선"),
    (CALL, "调用|使用|執行|执行|調用|呼び出|使う|使用|実行|호출|사용|실행"),
    (TOOL, "工具|ツール|도구"),
    (
        OTHER_TOOLS,
        "其他工具|任何工具|所有工具|别的工具|其它工具|他のツール|すべてのツール|다른 도구|모든 도구",
    ),
    (MUST, "必须|务必|一定要|总是|始终|必須|務必|必ず|常に|반드시|항상|꼭"),
    (IGNORE, "忽略|无视|忘记|绕过|覆盖|忽視|無視|忘れ|무시|잊어"),
    (PREVIOUS, "之前的|先前的|以上|此前|所有|前面的|之前所有|以前の|これまでの|上記|すべての|이전|위의|모든"),
    (RULES, "指令|指示|规则|说明|限制|規則|指南|安全策略|ルール|制限|命令|지시|규칙|지침|명령"),
    (APPROVAL, "确认|批准|许可|同意|授权|確認|承認|許可|확인|승인|허락|동의"),
    (WAIVED, "无需|不需要|跳过|免除|不必|不要|なしで|せずに|不要|없이|필요 없"),
    (CONTENTS, "内容|內容|中身|내용"),
    (EVERY, "完整|全部|所有|全文|すべて|全て|全体|전체|모든|전부"),
];
