package shardmap_test

import (
	"errors"
	"fmt"

	"github.com/xapg/xapg/shardmap"
)

func ExampleNew() {
	_, err := shardmap.New(shardmap.Spec{
		Shards: []string{"athos", "porthos"},
		Tables: []shardmap.TableSpec{
			{Name: "accounts", Key: "owner"},
			{Name: "currencies", Reference: true},
			{Name: "events", Key: "at", Range: []shardmap.RangeBound{
				{Below: "2026-01-01", Shard: "athos"},
				{Shard: "aramis"},
			}},
		},
	})
	var mistake *shardmap.SpecError
	if errors.As(err, &mistake) {
		fmt.Println(mistake.Path)
		fmt.Println(mistake.Valid)
	}
	fmt.Println(err)
	// Output:
	// tables.events.range[1].shard
	// [athos porthos]
	// tables.events.range[1].shard: there is no shard "aramis" (valid: athos, porthos)
}

func ExampleTable_Shard() {
	m, err := shardmap.New(shardmap.Spec{
		Shards: []string{"athos", "porthos"},
		Tables: []shardmap.TableSpec{{Name: "accounts", Key: "owner"}},
	})
	if err != nil {
		panic(err)
	}
	const bigint = 20 // in pg_type
	accounts, err := m.Table("public", "accounts", []shardmap.Column{{Name: "owner", TypeOID: bigint, Typmod: -1}})
	if err != nil {
		panic(err)
	}
	for _, owner := range []any{1, "1", int64(4)} {
		key, err := accounts.Type.Key(owner)
		if err != nil {
			panic(err)
		}
		shard, err := accounts.Shard(key)
		if err != nil {
			panic(err)
		}
		fmt.Printf("owner %v: %s\n", key, m.Shards()[shard])
	}
	// Output:
	// owner 1: athos
	// owner 1: athos
	// owner 4: porthos
}
