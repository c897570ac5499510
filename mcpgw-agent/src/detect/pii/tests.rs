//! What is found, and what is not.

use super::*;
use crate::detect::{Nominations, Nominator, Surface};
use crate::mcp::Role;

fn find_at(key: &str, text: &str) -> Vec<Hit> {
    let mut noticed = Nominations::default();
    Nominator::new(&[&Pii]).scan(text, &mut noticed);
    let mut hits = Vec::new();
    let place = Place { surface: Surface::Content, role: Role::Prose, key, tool: None };
    Pii.find(text, &place, &noticed.of(0), &mut hits);
    hits
}

/// Kind and text of what is reported by default.
fn reported(text: &str) -> Vec<(&'static str, &str)> {
    let hits = find_at("text", text);
    hits.iter()
        .filter(|hit| hit.score >= 0.5)
        .map(|hit| (hit.kind, text.get(hit.range.clone()).unwrap()))
        .collect()
}

#[test]
fn numbers_and_addresses_are_found_with_their_exact_spans() {
    for (text, kind, found) in [
        ("Card: 4111-1111-1111-1111, exp 09/28", "credit_card", "4111-1111-1111-1111"),
        ("amex 3782 822463 10005 on file", "credit_card", "3782 822463 10005"),
        ("{\"ssn\": \"219-09-9999\"}", "us_ssn", "219-09-9999"),
        ("employee SSN 219099999", "us_ssn", "219099999"),
        ("ITIN 911-70-1234", "us_itin", "911-70-1234"),
        ("wire to GB82 WEST 1234 5698 7654 32 today", "iban_code", "GB82 WEST 1234 5698 7654 32"),
        ("wire to DE89370400440532013000.", "iban_code", "DE89370400440532013000"),
        ("SWIFT: DEUTDEFF500", "swift_code", "DEUTDEFF500"),
        ("routing number 021000021", "aba_routing_number", "021000021"),
        ("my bank account number is 945456787654", "us_bank_number", "945456787654"),
        ("write to <a.b+c@sub.uni-x.de>.", "email_address", "a.b+c@sub.uni-x.de"),
        ("email='lena@uni-x.de'", "email_address", "lena@uni-x.de"),
        ("reach john [at] example [dot] com", "email_address", "john [at] example [dot] com"),
        ("mail john dot doe at gmail dot com now", "email_address", "john dot doe at gmail dot com"),
        ("postgres://bob:hunter22@db.corp.example/x", "url_credentials", "bob:hunter22"),
        ("tel: +44 20 7946 3817 ext 12", "phone_number", "+44 20 7946 3817"),
        ("call me at 06 12 98 34 57", "phone_number", "06 12 98 34 57"),
        ("office (617) 482-3391", "phone_number", "(617) 482-3391"),
        ("Phone:\n482 9137", "phone_number", "482 9137"),
        (
            "Dial six oh one, four nine seven, two three eight one",
            "phone_number",
            "six oh one, four nine seven, two three eight one",
        ),
        ("login from 84.17.203.91 at 10:02", "ip_address", "84.17.203.91"),
        ("client 2a01:77c2:91be::31d4 - -", "ip_address", "2a01:77c2:91be::31d4"),
        ("eth0 3c:52:82:7f:a0:91 up", "mac_address", "3c:52:82:7f:a0:91"),
        ("cisco 3c52.827f.a091", "mac_address", "3c52.827f.a091"),
        ("NHS number: 401 023 2137", "uk_nhs", "401 023 2137"),
        ("NI number AA 12 34 56 B", "uk_nino", "AA 12 34 56 B"),
        ("DNI 12345678Z", "es_nif", "12345678Z"),
        ("NIE X1234567-L", "es_nie", "X1234567-L"),
        ("cf RSSMRA85T10A562S", "it_fiscal_code", "RSSMRA85T10A562S"),
        ("PESEL 44051401359", "pl_pesel", "44051401359"),
        ("NRIC S1234567D", "sg_nric_fin", "S1234567D"),
        ("ABN 51 824 753 556", "au_abn", "51 824 753 556"),
        ("PAN ABCPE1234F", "in_pan", "ABCPE1234F"),
        ("hetu 131052-308T", "fi_personal_identity_code", "131052-308T"),
        ("RVNR 52120783K040", "de_social_security", "52120783K040"),
        ("Steuer-ID 86095742719", "de_tax_id", "86095742719"),
        ("NIR 2 55 08 14 168 025 38", "fr_nir", "2 55 08 14 168 025 38"),
        ("BSN 111222333", "nl_bsn", "111222333"),
        ("NN 85.07.30-033.28", "be_national_number", "85.07.30-033.28"),
        ("VAT IT01333550323", "it_vat_code", "IT01333550323"),
        ("CPF 529.982.247-25", "br_cpf", "529.982.247-25"),
        ("SIN 482-731-957", "ca_sin", "482-731-957"),
        ("CURP HEGG560427MVZRRL04", "mx_curp", "HEGG560427MVZRRL04"),
        ("id 11010519491231002X", "cn_resident_id", "11010519491231002X"),
        ("AHV 756.9217.0769.85", "ch_ahv", "756.9217.0769.85"),
        ("pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "crypto", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (
            "eth wallet 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "crypto",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        ),
        ("Passport no. K58120437", "us_passport", "K58120437"),
        ("DOB: 14/02/1969", "date_of_birth", "14/02/1969"),
        ("born March 15, 1985 in", "date_of_birth", "March 15, 1985"),
        ("patient ID HX-4471-90382:", "medical_record", "HX-4471-90382"),
        ("DEA BB1388568", "medical_license", "BB1388568"),
        ("Medicare 1EG4-TE5-MK73", "us_mbi", "1EG4-TE5-MK73"),
        ("driver's license D123-4567-8901", "us_driver_license", "D123-4567-8901"),
        ("IMEI 490154203237518", "imei", "490154203237518"),
        (
            "4242 Elm Road, Apt. 7, Springfield 62704",
            "street_address",
            "4242 Elm Road, Apt. 7, Springfield 62704",
        ),
    ] {
        assert_eq!(reported(text), [(kind, found)], "{text}");
    }
}

#[test]
fn what_only_looks_like_it_is_not_reported() {
    for text in [
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "uuid b1f0c2aa-0d3e-4b7c-8f55-402918837465",
        "at 2025-03-09T08:41:00Z and 12:34:56.789",
        "version 10.2.33.104 of Chrome/120.0.6099.71",
        "npm i @scope/pkg@7.4.2 left-pad@latest",
        "git@github.com:some/thing.git",
        "icon@2x.png and user@server.local",
        "listening on 127.0.0.1:9321, cidr 10.61.0.0/16",
        "order number 4111111111111112",
        "order number 4111111111111111",
        "pay with the test card 4242 4242 4242 4242",
        "000-12-3456 is not a valid SSN",
        "{\"id\": 1457893027, \"ts\": 1733151204417}",
        "100 000 000 rows, lines 1234-5678 (2024-2025)",
        "part 881-22-304 rev B, invoice INV-118-7340",
        "lat 48.137154, lon 11.576124",
        "CVE-2021-44228, RFC 2119, ISBN 978-3-16-148410-0",
        "MRN-000001",
        "our front desk: 1-800-555-0142",
        "noreply@example.com",
        "owner_account_id: 123456789012",
        "test suite 12 passed 345 tests in 40 files",
        "one two three, four kinds of seven things",
        "FF:FF:FF:FF:FF:FF 3c:52:82:7f:a0",
    ] {
        assert_eq!(reported(text), [], "{text}");
    }
}

#[test]
fn a_weak_number_needs_a_word_or_the_text_for_itself() {
    assert_eq!(reported("rows 482731957 found"), []);
    assert_eq!(reported("482731957"), [("ca_sin", "482731957")]);
    assert_eq!(reported("my SIN is 482731957"), [("ca_sin", "482731957")]);
    assert!(find_at("run_id", "482731957").iter().all(|hit| hit.score < 0.5));
    assert!(find_at("customer_sin", "482731957").iter().any(|hit| hit.kind == "ca_sin" && hit.score >= 0.5));
}

#[test]
fn every_kind_that_is_reported_has_a_name_in_policies() {
    for hit in find_at("text", "4111 1111 1111 1111 a@b.org 219-09-9999 84.17.203.91 +44 20 7946 3817") {
        assert_eq!(Pii::kinds(hit.kind), Some(vec![hit.kind]));
    }
}

proptest::proptest! {
    #[test]
    fn ranges_are_of_characters_in_the_text(
        text in "([0-9]{1,9}|[ ./()+:@-]{1,2}|three|suite |Apt\\. |\\[at\\]| dot com|swift|phone |card |born |é|GB82|WEST|[a-fA-F]){0,40}",
    ) {
        for hit in find_at("text", &text) {
            proptest::prop_assert!(text.get(hit.range.clone()).is_some_and(|found| !found.is_empty()));
            proptest::prop_assert!((0.0..=1.0).contains(&hit.score));
            proptest::prop_assert!(Pii::kinds(hit.kind).is_some());
        }
    }
}

#[test]
fn houses_and_their_streets_are_found() {
    for (text, found) in [
        ("She lives at 11 Botley Road, Oxford", "11 Botley Road"),
        ("Send it to 1600 Amphitheatre Parkway.", "1600 Amphitheatre Parkway"),
        ("Ship to: 22 St. James Street", "22 St. James Street"),
        ("meet me at 45 Elm Grove Lane", "45 Elm Grove"),
        ("Address:\n2014 Mill Avenue", "2014 Mill Avenue"),
        ("he moved to 3178 254 Damvergi Street", "3178 254 Damvergi Street"),
        ("wohnt in der Feldstrasse 42, Ulm", "Feldstrasse 42"),
        ("wohnt Karl-Marx-Allee 7", "Karl-Marx-Allee 7"),
        ("kontoret ligger på Östbygatan 14", "Östbygatan 14"),
        ("habite au 12 rue de la Paix", "12 rue de la Paix"),
        ("vive en Calle de Alcalá 50", "Calle de Alcalá 50"),
        ("indirizzo: Via Roma 12", ""),
        ("his address is Via Garibaldi 12", "Via Garibaldi 12"),
    ] {
        let expected: Vec<_> = (!found.is_empty()).then_some(("street_address", found)).into_iter().collect();
        assert_eq!(reported(text), expected, "{text}");
    }
    for text in [
        "In 2008 Wall Street fell",
        "5 Google Drive files",
        "2 Hard Drive bays",
        "see Section 12 Road map",
        "Via HTTP 2",
        "uses Python 3 Way too often",
        "took 12 Steps",
        "Step 5",
        "404 Not Found",
        "run 3 Docker containers in one place",
    ] {
        assert_eq!(reported(text), [], "{text}");
    }
}

#[test]
fn ages_of_people_are_found_and_no_others() {
    for (text, found) in [
        ("Patient is a 38-year-old male", "38"),
        ("she is 41 years old", "41"),
        ("I'll turn 47.", "47"),
        ("My brother just turned 47", "47"),
        ("a driver, aged 62, was hurt", "62"),
    ] {
        assert_eq!(reported(text), [("age", found)], "{text}");
    }
    for text in [
        "a 12-year-old bug in the kernel",
        "the wheel turned 90 degrees",
        "I turned 3 pages",
        "aged 14 days in oak",
        "she is 4100 years old",
        "turn 5",
        "max-age=3600, age: 30",
    ] {
        assert_eq!(reported(text), [], "{text}");
    }
}
