package backend

import productv1 "facet/api/product/v1"

// personName is a family or given name in both scripts.
type personName struct{ chinese, latin string }

// with returns the full name of a person.
func (n personName) with(given personName) personName {
	return personName{chinese: n.chinese + given.chinese, latin: given.latin + " " + n.latin}
}

func (n personName) String() string { return n.chinese + " " + n.latin }

// city is a place that goods come from and go to.
type city struct{ name, province, postalCode string }

// ware is a kind of product.
type ware struct {
	title, tag, material string
	price                int64 // in fen, the lowest
}

var (
	familyNames = []personName{{"林", "Lin"}, {"陈", "Chen"}, {"王", "Wang"}, {"张", "Zhang"}, {"李", "Li"}, {"周", "Zhou"}, {"吴", "Wu"}, {"黄", "Huang"}, {"徐", "Xu"}, {"孙", "Sun"}}
	givenNames  = []personName{{"晓", "Xiao"}, {"明", "Ming"}, {"静怡", "Jingyi"}, {"子涵", "Zihan"}, {"浩然", "Haoran"}, {"雨桐", "Yutong"}, {"思远", "Siyuan"}, {"佳琪", "Jiaqi"}, {"文博", "Wenbo"}, {"若曦", "Ruoxi"}}

	cities  = []city{{"Hangzhou", "Zhejiang", "310000"}, {"Suzhou", "Jiangsu", "215000"}, {"Chengdu", "Sichuan", "610000"}, {"Xiamen", "Fujian", "361000"}, {"Guangzhou", "Guangdong", "510000"}, {"Kunming", "Yunnan", "650000"}, {"Jingdezhen", "Jiangxi", "333000"}}
	streets = []string{"Wensan Road", "Pingjiang Road", "Kuanzhai Alley", "Zhongshan Road", "Tianhe Road", "Cuihu Road"}

	shops = []string{
		"云栖茶舍 Yunqi Teahouse", "青瓷坊 Celadon Works", "山野户外 Wild Ridge Outdoor", "纸鸢书店 Paper Kite Books", "木作 Muzuo Woodcraft",
		"知竹 Zhizhu Bamboo", "南风服饰 South Wind Clothing", "极光数码 Aurora Digital", "小满食堂 Grain Full Kitchen", "拾光家居 Found Light Home",
		"武夷岩茶 Wuyi Rock Tea", "鹿鸣运动 Lowing Deer Sports", "听雨书房 Rain Study Books", "白露棉麻 White Dew Linen", "星河电子 Starriver Electronics",
		"半亩田 Half Acre", "清和瓷器 Qinghe Porcelain", "远山骑行 Far Hills Cycling", "初见布艺 First Sight Fabrics", "墨白文具 Ink & White",
	}

	bios = []string{"Tea in the morning, books at night.", "喜欢骑行和摄影。", "Collects more cups than cupboards can hold.", "周末在山里。", "Buys gifts, keeps half of them."}

	wares = map[productv1.Category][]ware{
		productv1.Category_CATEGORY_TEA: {
			{"西湖龙井 Longjing Green Tea", "green-tea", "tea leaves", 12800},
			{"大红袍 Da Hong Pao Oolong", "oolong", "tea leaves", 16800},
			{"白毫银针 Silver Needle White Tea", "white-tea", "tea leaves", 19800},
			{"普洱 Pu'er Tea Cake", "dark-tea", "tea leaves", 9900},
		},
		productv1.Category_CATEGORY_HOME: {
			{"青瓷茶杯 Celadon Cup", "ceramics", "celadon", 5900},
			{"竹编收纳篮 Bamboo Basket", "storage", "bamboo", 4500},
			{"亚麻桌布 Linen Tablecloth", "kitchen", "linen", 8900},
			{"胡桃木托盘 Walnut Tray", "kitchen", "walnut", 13900},
		},
		productv1.Category_CATEGORY_CLOTHING: {
			{"棉麻衬衫 Linen Shirt", "shirt", "linen", 15900}, {"羊毛围巾 Wool Scarf", "scarf", "wool", 19900}, {"真丝睡衣 Silk Pajamas", "sleepwear", "silk", 39900},
		},
		productv1.Category_CATEGORY_ELECTRONICS: {
			{"蓝牙耳机 Wireless Earbuds", "audio", "plastic", 29900}, {"电子书阅读器 E-Reader", "reading", "aluminum", 79900}, {"便携投影仪 Pocket Projector", "video", "aluminum", 129900},
		},
		productv1.Category_CATEGORY_BOOKS: {
			{"茶经 The Classic of Tea", "history", "paper", 4900}, {"园冶 The Craft of Gardens", "design", "paper", 5900}, {"山海经 Classic of Mountains and Seas", "myths", "paper", 6900},
		},
		productv1.Category_CATEGORY_SPORTS: {
			{"登山杖 Trekking Poles", "hiking", "carbon fiber", 19900}, {"瑜伽垫 Yoga Mat", "yoga", "natural rubber", 12900}, {"骑行手套 Cycling Gloves", "cycling", "leather", 8900},
		},
	}

	styles   = []string{"Classic", "Handmade", "Limited", "Everyday", "Studio", "Heritage", "Travel", "Gift-Boxed"}
	tags     = []string{"organic", "new", "gift", "bestseller", "handmade", "small-batch"}
	praises  = []string{"Made in small batches by people who have done so for three generations", "做工细致，质朴耐用", "Light enough to carry, good enough to keep", "Chosen by our editors for the season"}
	services = []string{"Free returns within 7 days.", "Sent from the maker within 24 hours.", "Comes in a gift box.", "附赠手写卡片。"}
	notes    = []string{"Please ring twice.", "放在门口即可。", "It is a gift: no invoice, please.", "Leave it at the front desk."}

	reviewTexts = []string{"Exactly as pictured, and well packed.", "质量很好，会再来。", "Arrived a day early. My mother loves it.", "Good for the price; the lid is a little loose.", "颜色比图片深一些，但是很喜欢。", "Third time I bought it. That says it all."}
	roomTitles  = []string{"春茶专场 Spring Tea Night", "窑口直播 Live from the Kiln", "周末好物 Weekend Finds", "深夜书单 Midnight Reading List", "山野装备 Gear for the Hills"}
	comments    = []string{"How big is it?", "已下单！", "Does it come in blue?", "主播好专业", "What is the price of the second one?", "刚收到，很满意", "Hello from Kunming!"}
)
