//! Where text is in a body, and in which role.

/// What a text is for, as far as the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text the model or a person reads: content, instructions, messages.
    Prose,
    /// The definition of a tool, prompt or resource: descriptions, titles, schemas.
    Definition,
    /// What the model or the user sends: arguments, answers to questions.
    Argument,
    /// Names, versions, kinds, numbers.
    Name,
    /// Where something is: URIs, URLs, URI templates.
    Uri,
    /// Bytes in base64.
    Blob,
    /// Data whose parts the protocol does not describe, and whatever a method nobody knows has.
    Structured,
    /// `_meta`.
    Meta,
    /// Of an error.
    Error,
    /// What is only handed back: ids, cursors, tokens, request state.
    Opaque,
}

impl Role {
    /// Its word in records and policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prose => "prose",
            Self::Definition => "definition",
            Self::Argument => "argument",
            Self::Name => "name",
            Self::Uri => "uri",
            Self::Blob => "blob",
            Self::Structured => "structured",
            Self::Meta => "meta",
            Self::Error => "error",
            Self::Opaque => "opaque",
        }
    }
}

/// Members of an object, by key.
pub(super) type Keys = &'static [(&'static str, &'static Shape)];

/// The text within a value. An array's elements have the shape of the array.
#[derive(Debug)]
pub(super) enum Shape {
    /// All of it has one role, keys too.
    All(Role),
    /// An object.
    Object {
        /// Its own members.
        keys: Keys,
        /// Has the members it shares with others.
        shared: Option<&'static Shape>,
        /// All within other members, and their keys.
        rest: Role,
    },
    /// An object with keys of the peer's choice.
    Map(&'static Shape),
    /// An object with a method and its parameters.
    Call,
    /// The message itself.
    Envelope,
}

impl Shape {
    /// An object of these members, and others in the role `rest`.
    pub(super) const fn object(keys: Keys, rest: Role) -> Self {
        Self::Object { keys, shared: None, rest }
    }

    /// All in one role.
    pub(super) const fn all(role: Role) -> &'static Self {
        match role {
            Role::Prose => &Self::All(Role::Prose),
            Role::Definition => &Self::All(Role::Definition),
            Role::Argument => &Self::All(Role::Argument),
            Role::Name => &Self::All(Role::Name),
            Role::Uri => &Self::All(Role::Uri),
            Role::Blob => &Self::All(Role::Blob),
            Role::Structured => &Self::All(Role::Structured),
            Role::Meta => &Self::All(Role::Meta),
            Role::Error => &Self::All(Role::Error),
            Role::Opaque => &Self::All(Role::Opaque),
        }
    }

    /// The role of a text in the place of what it describes.
    pub(super) fn role(&self) -> Role {
        match self {
            Self::All(role) | Self::Object { rest: role, .. } => *role,
            Self::Map(inner) => inner.role(),
            Self::Call | Self::Envelope => Role::Structured,
        }
    }

    /// The shape of the member `key`, if the object has one of this name.
    pub(super) fn member(&self, key: &str) -> Option<&'static Self> {
        let Self::Object { keys, shared, .. } = self else { return None };
        let own = keys.iter().find(|(name, _)| *name == key).map(|(_, shape)| *shape);
        own.or_else(|| (*shared)?.member(key))
    }
}
