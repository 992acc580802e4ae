package jujusim_test

import (
	"fmt"
	"log"

	"rolling-ops/jujusim"
)

const metadata = `
name: shop
peers:
  cluster: {interface: shop_peers}
`

// A model is run by its caller, one step at a time: here to the end of each unit's
// installation, with a write of the first unit's that the second hears of.
func Example() {
	charm, err := jujusim.ParseCharm([]byte(metadata), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	model := jujusim.New(charm, jujusim.Options{AutoElect: true})
	first, second := model.AddUnit(), model.AddUnit()
	for _, unit := range []string{first, second, first} {
		for {
			if _, ok := model.Next(unit); !ok {
				break
			}
			hook, err := model.Begin(unit)
			if err != nil {
				log.Fatal(err)
			}
			if hook.Run().Name == "cluster-relation-joined" && unit == first {
				hook.Tool("relation-set", []string{"greeting=hello"}, nil, false)
			}
			if err := hook.Finish(0); err != nil {
				log.Fatal(err)
			}
		}
	}

	fmt.Println("leader:", model.Leader())
	fmt.Println("databag:", model.UnitDatabag(0, first)["greeting"])
	for _, run := range model.Pending(second) {
		fmt.Printf("%s is to run %s\n", second, run)
	}
	// Output:
	// leader: shop/0
	// databag: hello
	// shop/1 is to run cluster-relation-changed shop/0
}

// A subordinate application's units come with those of its principals.
func ExampleModel_AddPrincipalUnit() {
	charm, err := jujusim.ParseCharm([]byte(metadata+`
subordinate: true
requires:
  host: {interface: juju-info, scope: container}
`), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	model := jujusim.New(charm, jujusim.Options{})
	for _, app := range []string{"postgresql", "kafka"} {
		principal, unit, err := model.AddPrincipalUnit(app)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(principal, "with", unit)
	}
	hook, err := model.Begin("shop/1")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := hook.Tool("goal-state", []string{"--format=json"}, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", answer.Stdout)
	// Output:
	// postgresql/0 with shop/0
	// kafka/0 with shop/1
	// {"units":{},"relations":{"host":{"kafka":{"status":"joined","since":"1970-01-01 00:00:00Z"},"kafka/0":{"status":"active","since":"1970-01-01 00:00:00Z"},"postgresql":{"status":"joined","since":"1970-01-01 00:00:00Z"},"postgresql/0":{"status":"active","since":"1970-01-01 00:00:00Z"}}}}
}

// A machine reboots once the hook that asks for it has succeeded, and stays down
// until StartAgent.
func ExampleModel_Reboot() {
	charm, err := jujusim.ParseCharm([]byte(metadata), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	model := jujusim.New(charm, jujusim.Options{})
	unit := model.AddUnit()
	hook, err := model.Begin(unit)
	if err != nil {
		log.Fatal(err)
	}
	hook.Tool("juju-reboot", nil, nil, false)
	if err := hook.Finish(0); err != nil {
		log.Fatal(err)
	}
	info, _ := model.Unit(unit)
	fmt.Println("down:", info.Down, "boots:", info.Boots)
	if err := model.StartAgent(unit); err != nil {
		log.Fatal(err)
	}
	next, _ := model.Next(unit)
	fmt.Println("next:", next)
	// Output:
	// down: true boots: 1
	// next: cluster-relation-created
}
