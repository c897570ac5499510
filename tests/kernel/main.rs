use mcpgw_agent::kernel::*;
#[tokio::test]
async fn load() {
    let t = std::time::Instant::now();
    let loaded = Kernel::load(&KernelOptions::default());
    println!("load {:?}", t.elapsed());
    for h in &loaded.hooks {
        println!("{h:?}");
    }
    let mut k = loaded.kernel.unwrap();
    let mut r = k.take_readers().unwrap();
    std::process::Command::new("/bin/sh").args(["-c", "echo hi; /bin/true"]).status().unwrap();
    let mut out = vec![];
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), async {
        loop {
            r.lifecycle.next(&mut out).await.unwrap();
        }
    })
    .await;
    println!("{out:#?} {:?}", k.gaps());
    for _ in 0..5 {
        let t = std::time::Instant::now();
        k.attach_tap().unwrap();
        let a = t.elapsed();
        let t = std::time::Instant::now();
        k.detach_tap().unwrap();
        println!("attach {a:?} detach {:?}", t.elapsed());
    }
}
