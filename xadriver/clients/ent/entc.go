//go:build generate

package main

import (
	"log"

	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	err := entc.Generate("./schema", &gen.Config{
		Target:   "./ent",
		Package:  "github.com/xapg/xapg/xadriver/clients/ent/ent",
		Features: []gen.Feature{gen.FeatureUpsert, gen.FeatureLock, gen.FeatureExecQuery, gen.FeatureModifier},
	})
	if err != nil {
		log.Fatal(err)
	}
}
