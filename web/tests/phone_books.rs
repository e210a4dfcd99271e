//! Phone books as base stations fetch them.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use common::{send, site};
use desk::TestDesk;

const PROVED: (&str, &str) = ("authorization", "Digest username=\"4711\"");

#[actix_web::test]
async fn a_stranger_is_challenged_and_a_guesser_is_refused() {
    let site = site(TestDesk::full()).await;
    for path in ["/phone-books/gigaset?command=get_list", "/phone-books/yealink.xml", "/phone-books/snom.xml"]
    {
        let answer = send(&site, "GET", path, &[], "").await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Digest realm="), "{path}");
        assert!(!answer.body.contains("Anna"), "{path}");
        let locked = send(&site, "GET", path, &[("authorization", "Digest username=\"locked\"")], "").await;
        assert_eq!(locked.status, 403, "{path}");
    }
}

#[actix_web::test]
async fn each_maker_gets_its_own_form_of_the_same_book() {
    let site = site(TestDesk::full()).await;
    let get = async |path: &str| {
        let answer = send(&site, "GET", path, &[PROVED], "").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/xml; charset=utf-8"),
            "{path}"
        );
        answer.body
    };
    let yealink = get("/phone-books/yealink.xml?q=%23SEARCH").await;
    assert_eq!(yealink.matches("<DirectoryEntry>").count(), 3, "{yealink}");
    let snom = get("/phone-books/snom.xml?q=ozt").await;
    assert!(snom.contains("<Name>Zoë Öztürk</Name>") && !snom.contains("Anna"), "{snom}");
    let page = get("/phone-books/gigaset?command=get_list&type=pb&fn=*&ln=*&hm=*&first=2&count=1").await;
    assert!(page.contains("total=\"3\" first=\"2\" last=\"2\""), "{page}");
    let reverse =
        get("/phone-books/gigaset?command=get_list&type=pb&fn=*&ln=*&hm=4711&first=1&count=1").await;
    assert!(reverse.contains("<ln>Anna Beck</ln>"), "{reverse}");
    let nobody = get("/phone-books/gigaset?command=get_list&type=pb&ln=xyz*").await;
    assert!(nobody.contains("notfound=\"hm\" total=\"0\""), "{nobody}");
}

#[actix_web::test]
async fn what_gigaset_may_not_do_is_said() {
    let site = site(TestDesk::full()).await;
    let answer = send(&site, "GET", "/phone-books/gigaset?command=delete_entry", &[PROVED], "").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("get_list only"), "{}", answer.body);
}
