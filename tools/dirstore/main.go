// Dirstore files account tokens as nats-server's own code does, sharded: dirstore DIRECTORY [KEY TOKEN]...
// nats-server never shards; nats-account-server, which shares that code, does where it is told to.
package main

import (
	"log"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	store, err := server.NewDirJWTStore(os.Args[1], true, true)
	if err != nil {
		log.Fatal(err)
	}
	for at := 2; at+1 < len(os.Args); at += 2 {
		if err := store.SaveAcc(os.Args[at], os.Args[at+1]); err != nil {
			log.Fatal(err)
		}
	}
}
