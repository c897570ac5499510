//! What may be answered where.

use super::*;
use crate::session::Place;

fn error(id: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-1,"message":"m"}}}}"#))
}

fn asking(ids: &[i128]) -> (Session, Place) {
    let mut session = Session::new();
    for id in ids {
        pass(&mut session, ToServer, &call(&id.to_string()));
    }
    (session, Place::of(&[RequestId::Integer(2)]))
}

#[test]
fn an_answer_to_another_request_is_misplaced_and_that_request_stays_open() {
    let (session, place) = asking(&[1, 2]);
    let look = |id: &str| session.look_at(&place, ToClient, &answer(id), false);
    let right = look("2");
    assert_eq!((right.violation, right.answered), (None, Some(RequestId::Integer(2))));
    let other = look("1");
    assert_eq!((other.violation, &other.answered), (Some(Violation::Misplaced), &None));
    // What it would have been is known for the record.
    assert!(other.answers.is_some() && other.answered().is_none());
    assert_eq!(look("3").violation, Some(Violation::Unsolicited));
    assert_eq!(look("\"2\"").violation, Some(Violation::Unsolicited));
    let of_server = session.look_at(&place, ToClient, &request(9, "ping", "{}"), false);
    let told = notification("notifications/message", "{}");
    assert_eq!(of_server.violation, None, "only answers have a place");
    assert_eq!(session.look_at(&place, ToClient, &told, false).violation, None);
}

#[test]
fn an_error_without_an_id_answers_what_is_asked_where_it_is_said() {
    let (mut session, place) = asking(&[1, 2]);
    let unreadable = ["", r#""id":null,"#, r#""id":"server-error","#];
    for id in unreadable {
        let standing = session.look_at(&place, ToClient, &error(id), false);
        assert_eq!((standing.violation, standing.answered), (None, Some(RequestId::Integer(2))), "{id}");
        assert!(standing.answers.is_some());
    }
    let foreign = error(r#""id":1,"#);
    assert_eq!(
        session.look_at(&place, ToClient, &foreign, false).violation,
        Some(Violation::Misplaced),
        "it has an id"
    );
    // Where HTTP says that the request failed, the error is about that request, whatever its id.
    let failed = place.clone().failed_if(true);
    let standing = session.look_at(&failed, ToClient, &foreign, false);
    assert_eq!((standing.violation, standing.answered), (None, Some(RequestId::Integer(2))));
    assert_eq!(
        session.look_at(&failed, ToClient, &answer("1"), false).violation,
        Some(Violation::Misplaced),
        "no result"
    );
    // Nobody is left who could be meant.
    pass(&mut session, ToClient, &answer("2"));
    for id in unreadable {
        let standing = session.look_at(&place, ToClient, &error(id), false);
        assert_eq!((standing.violation, standing.answered), (Some(Violation::Unsolicited), None), "{id}");
        assert_eq!(session.look_at(&failed, ToClient, &error(id), false).violation, None, "{id}");
    }
}

#[test]
fn two_places_have_nothing_in_common() {
    let ids = |place: &Place| place.requests().map(<[RequestId]>::len);
    let (first, second, any) = (Place::of(&[RequestId::Integer(1)]), asking(&[]).1, Place::default());
    assert_eq!(ids(&first.clone().and(&first)), Some(1));
    assert_eq!(ids(&first.clone().and(&second)), Some(0));
    assert_eq!((ids(&first.clone().and(&any)), ids(&any.clone().and(&first))), (Some(1), Some(1)));
    assert_eq!(ids(&any.clone().and(&any)), None);
    let nowhere = Place::of(&[]);
    assert!(nowhere.is_same(&Place::of(&[])) && !nowhere.is_same(&any) && !first.is_same(&second));
}
