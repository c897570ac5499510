//! The kinds of personal data, and what else they are called.
//!
//! A kind is the name Presidio has for it in lower case, where it has one.

use super::super::Severity::{self, Critical, High, Low, Medium};

/// One kind.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    placeholder: &'static str,
    severity: Severity,
    /// Other names in policies, in snake case.
    aliases: &'static [&'static str],
}

impl Kind {
    const fn new(
        name: &'static str,
        placeholder: &'static str,
        severity: Severity,
        aliases: &'static [&'static str],
    ) -> Self {
        Self { name, placeholder, severity, aliases }
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
    Kind::new(
        "aba_routing_number",
        "<ABA_ROUTING_NUMBER>",
        High,
        &["us_aba", "aba_routing", "routing_number", "us_routing_number"],
    ),
    Kind::new("au_abn", "<AU_ABN>", Low, &["abn"]),
    Kind::new("au_acn", "<AU_ACN>", Low, &["acn"]),
    Kind::new("au_medicare", "<AU_MEDICARE>", High, &["medicare"]),
    Kind::new("au_tfn", "<AU_TFN>", High, &["tfn"]),
    Kind::new("be_national_number", "<BE_NATIONAL_NUMBER>", High, &["be_nrn"]),
    Kind::new("br_cnpj", "<BR_CNPJ>", Low, &["cnpj"]),
    Kind::new("br_cpf", "<BR_CPF>", High, &["cpf"]),
    Kind::new("ca_sin", "<CA_SIN>", High, &["sin"]),
    Kind::new("ch_ahv", "<CH_AHV>", High, &[]),
    Kind::new("cn_resident_id", "<CN_RESIDENT_ID>", High, &["cn_id", "china_resident_identity_card"]),
    Kind::new(
        "credit_card",
        "<CREDIT_CARD>",
        Critical,
        &["creditcard", "card", "card_number", "cc", "pan_number"],
    ),
    Kind::new(
        "crypto",
        "<CRYPTO>",
        Low,
        &["crypto_address", "bitcoin", "btc_address", "eth_address", "wallet"],
    ),
    Kind::new("cvv", "<CVV>", High, &["cvc", "card_cvv", "security_code"]),
    Kind::new("cz_birth_number", "<CZ_BIRTH_NUMBER>", High, &["sk_birth_number"]),
    Kind::new("date_of_birth", "<DATE_OF_BIRTH>", Medium, &["dob", "birth_date", "birthdate", "birthday"]),
    Kind::new("de_id_card", "<DE_ID_CARD>", High, &["de_passport"]),
    Kind::new("de_social_security", "<DE_SOCIAL_SECURITY>", High, &["de_svnr", "de_health_insurance"]),
    Kind::new("de_tax_id", "<DE_TAX_ID>", High, &["de_steuer_id", "steuer_id"]),
    Kind::new("de_tax_number", "<DE_TAX_NUMBER>", High, &[]),
    Kind::new("de_vat_id", "<DE_VAT_ID>", Low, &[]),
    Kind::new("dk_cpr", "<DK_CPR>", High, &[]),
    Kind::new("email_address", "<EMAIL_ADDRESS>", Medium, &["email", "e_mail", "emails", "mail"]),
    Kind::new("es_nie", "<ES_NIE>", High, &["nie"]),
    Kind::new("es_nif", "<ES_NIF>", High, &["nif", "dni"]),
    Kind::new("fi_personal_identity_code", "<FI_PERSONAL_IDENTITY_CODE>", High, &["hetu"]),
    Kind::new("fr_nir", "<FR_NIR>", High, &["fr_insee", "fr_social_security", "nir"]),
    Kind::new("hu_taj", "<HU_TAJ>", High, &[]),
    Kind::new("iban_code", "<IBAN_CODE>", High, &["iban"]),
    Kind::new("imei", "<IMEI>", Medium, &[]),
    Kind::new("in_aadhaar", "<IN_AADHAAR>", High, &["aadhaar", "aadhar"]),
    Kind::new("in_gstin", "<IN_GSTIN>", Low, &["gstin"]),
    Kind::new("in_pan", "<IN_PAN>", High, &[]),
    Kind::new("in_vehicle_registration", "<IN_VEHICLE_REGISTRATION>", Medium, &[]),
    Kind::new("in_voter", "<IN_VOTER>", Medium, &[]),
    Kind::new("ip_address", "<IP_ADDRESS>", Low, &["ip", "ipv4", "ipv6", "ip_addresses"]),
    Kind::new("it_driver_license", "<IT_DRIVER_LICENSE>", High, &[]),
    Kind::new("it_fiscal_code", "<IT_FISCAL_CODE>", High, &["codice_fiscale"]),
    Kind::new("it_vat_code", "<IT_VAT_CODE>", Low, &["partita_iva"]),
    Kind::new("jp_my_number", "<JP_MY_NUMBER>", High, &["my_number"]),
    Kind::new("kr_brn", "<KR_BRN>", Low, &[]),
    Kind::new("kr_driver_license", "<KR_DRIVER_LICENSE>", High, &[]),
    Kind::new("kr_rrn", "<KR_RRN>", High, &["kr_frn", "rrn"]),
    Kind::new("mac_address", "<MAC_ADDRESS>", Low, &["mac"]),
    Kind::new("medical_license", "<MEDICAL_LICENSE>", High, &["dea"]),
    Kind::new(
        "medical_record",
        "<MEDICAL_RECORD>",
        Critical,
        &["mrn", "patient_id", "health_id", "insurance_id"],
    ),
    Kind::new("mx_curp", "<MX_CURP>", High, &["curp"]),
    Kind::new("mx_rfc", "<MX_RFC>", High, &[]),
    Kind::new("ng_nin", "<NG_NIN>", High, &[]),
    Kind::new("nl_bsn", "<NL_BSN>", High, &["bsn"]),
    Kind::new("no_birth_number", "<NO_BIRTH_NUMBER>", High, &[]),
    Kind::new(
        "passport",
        "<PASSPORT>",
        High,
        &["es_passport", "in_passport", "it_passport", "kr_passport", "uk_passport", "passport_number"],
    ),
    Kind::new(
        "phone_number",
        "<PHONE_NUMBER>",
        Medium,
        &["phone", "phones", "tel", "telephone", "ph_mobile_number", "tr_phone_number"],
    ),
    Kind::new("pl_nip", "<PL_NIP>", Low, &[]),
    Kind::new("pl_pesel", "<PL_PESEL>", High, &["pesel"]),
    Kind::new("pt_nif", "<PT_NIF>", High, &[]),
    Kind::new("ro_cnp", "<RO_CNP>", High, &[]),
    Kind::new("se_organisationsnummer", "<SE_ORGANISATIONSNUMMER>", Low, &[]),
    Kind::new("se_personnummer", "<SE_PERSONNUMMER>", High, &["personnummer"]),
    Kind::new("sg_nric_fin", "<SG_NRIC_FIN>", High, &["nric", "sg_fin"]),
    Kind::new("sg_uen", "<SG_UEN>", Low, &[]),
    Kind::new("street_address", "<STREET_ADDRESS>", Medium, &["address", "postal_address"]),
    Kind::new("swift_code", "<SWIFT_CODE>", Medium, &["swift", "bic", "bic_code"]),
    Kind::new("th_tnin", "<TH_TNIN>", High, &[]),
    Kind::new("tr_national_id", "<TR_NATIONAL_ID>", High, &["tckn"]),
    Kind::new("uk_driving_licence", "<UK_DRIVING_LICENCE>", High, &[]),
    Kind::new("uk_nhs", "<UK_NHS>", High, &["nhs"]),
    Kind::new("uk_nino", "<UK_NINO>", High, &["nino", "ni_number"]),
    Kind::new("uk_postcode", "<UK_POSTCODE>", Low, &[]),
    Kind::new("url_credentials", "<URL_CREDENTIALS>", High, &["url_userinfo"]),
    Kind::new(
        "us_bank_number",
        "<US_BANK_NUMBER>",
        High,
        &["bank_account", "account_number", "us_bank_account"],
    ),
    Kind::new(
        "us_driver_license",
        "<US_DRIVER_LICENSE>",
        High,
        &["driver_license", "drivers_license", "driving_license", "us_drivers_license"],
    ),
    Kind::new("us_itin", "<US_ITIN>", High, &["itin"]),
    Kind::new("us_mbi", "<US_MBI>", High, &[]),
    Kind::new("us_npi", "<US_NPI>", Medium, &["npi"]),
    Kind::new("us_passport", "<US_PASSPORT>", High, &[]),
    Kind::new("us_ssn", "<US_SSN>", Critical, &["ssn", "social_security_number", "social_security"]),
    Kind::new("za_id_number", "<ZA_ID_NUMBER>", High, &[]),
    Kind::new("zip_code", "<ZIP_CODE>", Low, &["postal_code", "postcode"]),
];

fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.binary_search_by(|kind| kind.name.cmp(name)).ok().and_then(|index| KINDS.get(index))
}

pub(super) fn severity(name: &str) -> Severity {
    kind(name).map_or(Severity::Medium, |kind| kind.severity)
}

pub(super) fn placeholder(name: &str) -> &'static str {
    kind(name).map_or("<PII>", |kind| kind.placeholder)
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
        return Some(KINDS.iter().map(|kind| kind.name).collect());
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
            assert_eq!(placeholder(kind.name), format!("<{}>", kind.name.to_uppercase()));
        }
        for alias in KINDS.iter().flat_map(|kind| kind.aliases) {
            assert!(seen.insert(alias), "{alias}");
        }
        for known in FAMILIES.iter().flat_map(|(_, kinds)| *kinds) {
            assert!(kind(known).is_some(), "{known}");
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
        assert_eq!(placeholder("shoe_size"), "<PII>");
    }
}
