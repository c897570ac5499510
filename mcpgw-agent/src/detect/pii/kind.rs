//! The kinds of personal data, and what else they are called.
//!
//! A kind is the name Presidio has for it in lower case, where it has one.

use std::sync::LazyLock;

use super::super::Severity::{self, Critical, High, Low, Medium};
use crate::detect::table::Table;

/// One kind.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    severity: Severity,
    /// Other names in policies, in snake case.
    aliases: &'static [&'static str],
}

impl Kind {
    const fn new(name: &'static str, severity: Severity, aliases: &'static [&'static str]) -> Self {
        Self { name, severity, aliases }
    }
}

/// Names that stand for several kinds.
const FAMILIES: &[(&str, &[&str])] = &[
    ("passport", &["passport", "us_passport"]),
    ("us_passport", &["us_passport"]),
    (
        "driver_license",
        &["us_driver_license", "uk_driving_licence", "it_driver_license", "kr_driver_license"],
    ),
    (
        "driving_licence",
        &["us_driver_license", "uk_driving_licence", "it_driver_license", "kr_driver_license"],
    ),
    ("ip_mac", &["ip_address", "mac_address"]),
    ("tax_id", &["us_itin", "us_ssn", "de_tax_id", "au_tfn", "pt_nif", "it_fiscal_code"]),
    ("payment", &["credit_card", "cvv", "iban_code", "aba_routing_number", "us_bank_number", "swift_code"]),
    ("health", &["medical_record", "medical_license", "uk_nhs", "au_medicare", "us_mbi", "us_npi", "hu_taj"]),
];

/// By name.
const KINDS: &[Kind] = &[
    Kind::new("aba_routing_number", High, &["us_aba", "aba_routing", "routing_number", "us_routing_number"]),
    Kind::new("age", Medium, &["ages"]),
    Kind::new("au_abn", Low, &["abn"]),
    Kind::new("au_acn", Low, &["acn"]),
    Kind::new("au_medicare", High, &["medicare"]),
    Kind::new("au_tfn", High, &["tfn"]),
    Kind::new("be_national_number", High, &["be_nrn"]),
    Kind::new("br_cnpj", Low, &["cnpj"]),
    Kind::new("br_cpf", High, &["cpf"]),
    Kind::new("ca_sin", High, &["sin"]),
    Kind::new("ch_ahv", High, &[]),
    Kind::new("cn_resident_id", High, &["cn_id", "china_resident_identity_card"]),
    Kind::new("credit_card", Critical, &["creditcard", "card", "card_number", "cc", "pan_number"]),
    Kind::new("crypto", Low, &["crypto_address", "bitcoin", "btc_address", "eth_address", "wallet"]),
    Kind::new("cvv", High, &["cvc", "card_cvv", "security_code"]),
    Kind::new("cz_birth_number", High, &["sk_birth_number"]),
    Kind::new("date_of_birth", Medium, &["dob", "birth_date", "birthdate", "birthday"]),
    Kind::new("de_id_card", High, &["de_passport"]),
    Kind::new("de_social_security", High, &["de_svnr", "de_health_insurance"]),
    Kind::new("de_tax_id", High, &["de_steuer_id", "steuer_id"]),
    Kind::new("de_tax_number", High, &[]),
    Kind::new("de_vat_id", Low, &[]),
    Kind::new("dk_cpr", High, &[]),
    Kind::new("email_address", Medium, &["email", "e_mail", "emails", "mail"]),
    Kind::new("es_nie", High, &["nie"]),
    Kind::new("es_nif", High, &["nif", "dni"]),
    Kind::new("fi_personal_identity_code", High, &["hetu"]),
    Kind::new("fr_nir", High, &["fr_insee", "fr_social_security", "nir"]),
    Kind::new("hu_taj", High, &[]),
    Kind::new("iban_code", High, &["iban"]),
    Kind::new("imei", Medium, &[]),
    Kind::new("in_aadhaar", High, &["aadhaar", "aadhar"]),
    Kind::new("in_gstin", Low, &["gstin"]),
    Kind::new("in_pan", High, &[]),
    Kind::new("in_vehicle_registration", Medium, &[]),
    Kind::new("in_voter", Medium, &[]),
    Kind::new("ip_address", Low, &["ip", "ipv4", "ipv6", "ip_addresses"]),
    Kind::new("it_driver_license", High, &[]),
    Kind::new("it_fiscal_code", High, &["codice_fiscale"]),
    Kind::new("it_vat_code", Low, &["partita_iva"]),
    Kind::new("jp_my_number", High, &["my_number"]),
    Kind::new("kr_brn", Low, &[]),
    Kind::new("kr_driver_license", High, &[]),
    Kind::new("kr_rrn", High, &["kr_frn", "rrn"]),
    Kind::new("mac_address", Low, &["mac"]),
    Kind::new("medical_license", High, &["dea"]),
    Kind::new("medical_record", Critical, &["mrn", "patient_id", "health_id", "insurance_id"]),
    Kind::new("mx_curp", High, &["curp"]),
    Kind::new("mx_rfc", High, &[]),
    Kind::new("ng_nin", High, &[]),
    Kind::new("nl_bsn", High, &["bsn"]),
    Kind::new("no_birth_number", High, &[]),
    Kind::new(
        "passport",
        High,
        &["es_passport", "in_passport", "it_passport", "kr_passport", "uk_passport", "passport_number"],
    ),
    Kind::new(
        "phone_number",
        Medium,
        &["phone", "phones", "tel", "telephone", "ph_mobile_number", "tr_phone_number"],
    ),
    Kind::new("pl_nip", Low, &[]),
    Kind::new("pl_pesel", High, &["pesel"]),
    Kind::new("pt_nif", High, &[]),
    Kind::new("ro_cnp", High, &[]),
    Kind::new("se_organisationsnummer", Low, &[]),
    Kind::new("se_personnummer", High, &["personnummer"]),
    Kind::new("sg_nric_fin", High, &["nric", "sg_fin"]),
    Kind::new("sg_uen", Low, &[]),
    Kind::new("street_address", Medium, &["address", "postal_address"]),
    Kind::new("swift_code", Medium, &["swift", "bic", "bic_code"]),
    Kind::new("th_tnin", High, &[]),
    Kind::new("tr_national_id", High, &["tckn"]),
    Kind::new("uk_driving_licence", High, &[]),
    Kind::new("uk_nhs", High, &["nhs"]),
    Kind::new("uk_nino", High, &["nino", "ni_number"]),
    Kind::new("uk_postcode", Low, &[]),
    Kind::new("url_credentials", High, &["url_userinfo"]),
    Kind::new("us_bank_number", High, &["bank_account", "account_number", "us_bank_account"]),
    Kind::new(
        "us_driver_license",
        High,
        &["driver_license", "drivers_license", "driving_license", "us_drivers_license"],
    ),
    Kind::new("us_itin", High, &["itin"]),
    Kind::new("us_mbi", High, &[]),
    Kind::new("us_npi", Medium, &["npi"]),
    Kind::new("us_passport", High, &[]),
    Kind::new("us_ssn", Critical, &["ssn", "social_security_number", "social_security"]),
    Kind::new("za_id_number", High, &[]),
    Kind::new("zip_code", Low, &["postal_code", "postcode"]),
];

pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Asked for everything that is found.
static SEVERITIES: LazyLock<Table<Severity>> =
    LazyLock::new(|| Table::new(KINDS.iter().map(|kind| (kind.name, kind.severity))));

pub(super) fn severity(name: &str) -> Severity {
    SEVERITIES.get(name.as_bytes()).unwrap_or(Severity::Medium)
}

pub(super) fn alias(name: &str) -> Option<Vec<&'static str>> {
    let name: String = name
        .trim()
        .chars()
        .map(
            |character| {
                if matches!(character, ' ' | '-' | '.') { '_' } else { character.to_ascii_lowercase() }
            },
        )
        .collect();
    if matches!(&*name, "all" | "pii") {
        return Some(all().collect());
    }
    if let Some((_, kinds)) = FAMILIES.iter().find(|(family, _)| *family == name) {
        return Some(kinds.to_vec());
    }
    let named = |kind: &&Kind| kind.name == name || kind.aliases.contains(&&*name);
    KINDS.iter().find(named).map(|kind| vec![kind.name])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn kinds_are_in_order_and_names_stand_for_one_thing() {
        assert!(KINDS.is_sorted_by(|one, two| one.name < two.name));
        let mut seen = HashSet::new();
        for kind in KINDS {
            assert!(seen.insert(kind.name), "{}", kind.name);
        }
        for alias in KINDS.iter().flat_map(|kind| kind.aliases) {
            assert!(seen.insert(alias), "{alias}");
        }
        for known in FAMILIES.iter().flat_map(|(_, kinds)| *kinds) {
            assert!(all().any(|kind| kind == *known), "{known}");
        }
    }

    #[test]
    fn other_tools_names_are_understood() {
        for (name, kinds) in [
            ("CREDIT_CARD", &["credit_card"][..]),
            ("US_SSN", &["us_ssn"]),
            ("ssn", &["us_ssn"]),
            ("email", &["email_address"]),
            ("Phone", &["phone_number"]),
            ("IBAN_CODE", &["iban_code"]),
            ("UK_NHS", &["uk_nhs"]),
            (
                "driver license",
                &["us_driver_license", "uk_driving_licence", "it_driver_license", "kr_driver_license"],
            ),
        ] {
            assert_eq!(alias(name).as_deref(), Some(kinds), "{name}");
        }
        assert_eq!(alias("shoe_size"), None);
        assert_eq!(alias("all").map(|kinds| kinds.len()), Some(KINDS.len()));
    }
}
