/* test_math.c -- elementary functions against correctly rounded values, and on dense sweeps
   against each other; random numbers against the published algorithms.

   The tables hold bit patterns. They were made with Python's decimal module at 80 digits
   (exp, ln, sqrt; sine, cosine and erf from their Taylor series, angles reduced with a
   100-digit pi), rounded once; random64 by a Python transcription of SplitMix64 and
   xoshiro256++ from their papers, which gives the published outputs 6457827717110365317,
   3203168211198807973, ... for SplitMix64 of seed 1234567 and 41943041, 58720359,
   3588806011781223, ... for xoshiro256++ of state 1 2 3 4. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "test.h"

static const uint64_t exp64[][2] = {
    {0x0u, 0x3ff0000000000000u},
    {0x3ff0000000000000u, 0x4005bf0a8b145769u},
    {0xbff0000000000000u, 0x3fd78b56362cef38u},
    {0x3e112e0be826d695u, 0x3ff000000044b830u},
    {0xbe112e0be826d695u, 0x3fefffffff768fa1u},
    {0x40862d999999999au, 0x7fed75ae7a50ee14u},
    {0xc086226666666666u, 0x119e98b83de7a3u},
    {0x3fd62e33eff19503u, 0x3ff6a099138a089du},
    {0x3fd62e5de15ca6cau, 0x3ff6a0a7e7cb904cu},
    {0xc06ed44ac963f43cu, 0x29b22742b8716ed8u},
    {0xc07e8cfa7f3e7e86u, 0x13dbc0c083bb704eu},
    {0x406a69dd48ce676cu, 0x52fce85f33ad47e9u},
    {0xc082b4b6adca374cu, 0x9f561d137b2cc84u},
    {0x40491e0e1fbc8350u, 0x44763735f0564b4bu},
    {0xc0678122f320631eu, 0x2efa64a737a7c4dau},
    {0xc08356697b9e6a11u, 0x823228b01887fe0u},
    {0x4024d1eefd24f500u, 0x40e034d7f617aefau},
    {0xc0843c0c72b7ac83u, 0x58cc3950ce154c2u},
    {0xc0573958c43478d0u, 0x378f8b85621e47dbu},
    {0xc082d19e878f1262u, 0x9a2734812c54e8eu},
    {0xc081e803a5ec88aau, 0xc44280ef199758au},
    {0xc05a6b14a5a9f668u, 0x36675bd7cea6074fu},
    {0x407c997cd2df4534u, 0x6931f708ad77ca9au},
    {0xc080756b04599207u, 0x1071f15e71133b67u},
    {0xc07837727b3a3f5au, 0x1d000fb1d5826348u},
    {0x40664d022420c858u, 0x5004e93667afbdc3u},
    {0x40839657146e9b5au, 0x78734c8fe2efe8e1u},
    {0x405afc6c981e1058u, 0x49aa8bf1aaca33deu},
    {0xc06214b6f8ea4cc4u, 0x32e3f219e760d731u},
    {0x4084d60ea38583bau, 0x7c0e6d0b66b4afe5u},
    {0xc083d646235cab4eu, 0x6b260ca3f8c0689u},
    {0x407f5db18814e3b4u, 0x6d3047690e8c3be4u},
    {0xc07268c0822a6922u, 0x2560a984754b507fu},
    {0xbff6c48653acace2u, 0x3fced8eb6cb2da45u},
    {0xbff876178b6ec4ceu, 0x3fcbbfbd6560cb2eu},
    {0xbfe883aae7092facu, 0x3fddbfdb706fd1c1u},
    {0x3ff43b6a0d74bdd4u, 0x400c54aa87a61f04u},
    {0xbff46efa9f2cf122u, 0x3fd1d89e3a273bf7u},
    {0x3fd4e3bf92474e68u, 0x3ff62cef7572f5e1u},
    {0x3fe1c7eaa301850cu, 0x3ffbe3a83e002cf1u},
    {0xbfe05546fe70eca4u, 0x3fe3353e7fe30796u},
    {0x3fc871f66d933900u, 0x3ff35deea2090f9bu},
    {0xbffbfb43f37c2c7au, 0x3fc644cf7250e35bu},
    {0xbffc2f7e930c44b4u, 0x3fc5fc945d126b5fu},
    {0xbff2d1928c0757d8u, 0x3fd3bdcc5db3e495u},
    {0x3fe71758a881ed14u, 0x40007637538b13cbu},
    {0xbfd2894f8720f120u, 0x3fe7f409efcf83c9u},
    {0xbfe7ca06888ce510u, 0x3fde6e69d68cc807u},
    {0x3fd5e761dd8cd4f0u, 0x3ff6879cfc1046eau},
};
static const uint64_t log64[][2] = {
    {0x3ff0000000000000u, 0x0u},
    {0x4000000000000000u, 0x3fe62e42fefa39efu},
    {0x3fe0000000000000u, 0xbfe62e42fefa39efu},
    {0x3ff6a09e667f3bcdu, 0x3fd62e42fefa39f0u},
    {0x3ff6a09e667f3bccu, 0x3fd62e42fefa39eeu},
    {0x3ff0000000000001u, 0x3cafffffffffffffu},
    {0x3fefffffffffffffu, 0xbca0000000000000u},
    {0x1a56e1fc2f8f359u, 0xc085963447f87fb5u},
    {0x7e37e43c8800759cu, 0x4085963447f87fb5u},
    {0x3a14a8e71cc34b9cu, 0xc050399d737815a2u},
    {0x26e72aba9da62d05u, 0xc071594f64b6d9c6u},
    {0x64bb138dbd26efe8u, 0x4079818bbc72749cu},
    {0x58cfc107a017313fu, 0x40713dd678e12f90u},
    {0x1ff24a5d3d8a569cu, 0xc0762c1efb9d3e86u},
    {0x493cc9dae0857740u, 0x4059cb15370ef066u},
    {0x4315029292910f3cu, 0x40417702bdbd0fecu},
    {0x6ed35c1af9ecdc6bu, 0x408040686ff091d9u},
    {0x5c9da9a7ddf67a67u, 0x4073e1426665c210u},
    {0x256d5adb2f345187u, 0xc0725fb0de496becu},
    {0x7bf4637f281edb23u, 0x4084cd4f39422990u},
    {0x10318710c0cd9f72u, 0xc0808bc93b734c69u},
    {0x35b2f84e4c48b390u, 0xc05c60602e823cd7u},
    {0x601373c15a0f45ffu, 0x407647917e1f18b1u},
    {0x146f523ca324c237u, 0xc07e273ae3919520u},
    {0x3e8e677cba278f4au, 0xc02e99ccecaa1fb2u},
    {0x3fe1e1c75dc5a94au, 0xbfe29f496219a02au},
    {0x3ff80984aa3b9cceu, 0x3fda0c80ab8c2880u},
    {0x3ffa5985fdac9a28u, 0x3fdfed74e03ec4acu},
    {0x3ff5c0abdf5e063au, 0x3fd3a8460b0244cfu},
    {0x3ffd02ef88747ed0u, 0x3fe30b145078004fu},
    {0x3fef0f54560a6d8eu, 0xbf9e88da6ea31b51u},
    {0x3ff8afe50d0cefdfu, 0x3fdbc19aae086f1du},
    {0x3ff643cefb7d723du, 0x3fd525a108dba28fu},
    {0x3ff5eae04a640356u, 0x3fd423faa9fb03d2u},
    {0x3ff2f2ecf134cf58u, 0x3fc5a6fd7aff534cu},
    {0x3ffc28c31547e1b8u, 0x3fe216d365aa6e33u},
    {0x3ffeac1ee2cf5038u, 0x3fe4d32161de998au},
    {0x3ff360dc3517540cu, 0x3fc8854f0eefcc05u},
    {0x3ff7f08d1831eb84u, 0x3fd9c9e43a86cb87u},
    {0x3fe2e98184630f8cu, 0xbfe0d46fe0f14873u},
    {0x3ff8d5f78bedc749u, 0x3fdc2402297e9a40u},
    {0x3ff787f5adbbdcdau, 0x3fd8afdd47f8e3cfu},
    {0x3fffd594da0b30adu, 0x3fe603bba2befbb5u},
    {0x3ffbb9e7e856408au, 0x3fe197dee838ddc6u},
    {0x3feda91c224cbd84u, 0xbfb36f48f68fe92au},
};
static const uint64_t pow64[][3] = {
    {0x412e848000000000u, 0xbf971abc78672c00u, 0x3fe76e14e8c09f70u},
    {0x411e848000000000u, 0xbfe38ca72477e7f5u, 0x3f359edfc1aba564u},
    {0x411e848000000000u, 0xbfe8955d5926548eu, 0x3f05f32eae1506e6u},
    {0x411e848000000000u, 0xbfd97727d320aa3cu, 0x3f761e4d24d33a8cu},
    {0x40225a5bab9b553du, 0xc0392a456e4093a6u, 0x3ae6ff71d545d90eu},
    {0x412e848000000000u, 0xbfec44ae288c365du, 0x3ed501b4474c6815u},
    {0x412e848000000000u, 0xbfe69acd45a9437du, 0x3f0e48487b8033e3u},
    {0x4023bb6782d68475u, 0x403b76c054bb0afau, 0x4599f76eba8fbd4bu},
    {0x411e848000000000u, 0xbfc35dbed3b61864u, 0x3fc193ec0981a6ebu},
    {0x40c3880000000000u, 0xbfdf09a11ea61460u, 0x3f8785b2c7127fc9u},
    {0x412e848000000000u, 0xbfd20b272808623au, 0x3f94d4cdb785193bu},
    {0x412e848000000000u, 0xbfe383955e43eef4u, 0x3f2cbff50155b0eeu},
    {0x411e848000000000u, 0xbfe61886276fd2a2u, 0x3f1e708200d3c716u},
    {0x40c3880000000000u, 0xbfdd39a697323e5cu, 0x3f8e8830468df0d6u},
    {0x402172055967c9e6u, 0xc018769a1607d7b4u, 0x3ebda3a4b405933eu},
    {0x401001d4c14333c3u, 0x40201d601e01b320u, 0x40f16317471cb31eu},
    {0x40c3880000000000u, 0xbfef8265a0d5c604u, 0x3f1e30c106197dc9u},
    {0x40c3880000000000u, 0xbfd5c37064ce4a18u, 0x3fa656ac77eda035u},
    {0x40c3880000000000u, 0xbfe22317609ae531u, 0x3f76247713eccd15u},
    {0x412e848000000000u, 0xbfe3a3bc541a1ce7u, 0x3f2b3b80564f6860u},
    {0x411e848000000000u, 0xbfe3a67401814245u, 0x3f34beca51905258u},
    {0x412e848000000000u, 0xbfee9331ad63ba15u, 0x3ebf0a0ec97944d6u},
    {0x40184010c500aafbu, 0xc036a124b1a28572u, 0x3c41f058c0aae2a6u},
    {0x4021024a9f48709eu, 0xbff2d2195df09970u, 0x3fb4a3bd374ae457u},
};
static const uint64_t sincos64[][3] = {
    {0x0u, 0x0u, 0x3ff0000000000000u},
    {0x3e45798ee2308c3au, 0x3e45798ee2308c3au, 0x3ff0000000000000u},
    {0x3fe921fb54442d15u, 0x3fe6a09e667f3bcau, 0x3fe6a09e667f3bcfu},
    {0x3fe921fb54442d19u, 0x3fe6a09e667f3bcdu, 0x3fe6a09e667f3bccu},
    {0x3ff921fb54442d18u, 0x3ff0000000000000u, 0x3c91a62633145c07u},
    {0x400921fb54442d18u, 0x3ca1a62633145c07u, 0xbff0000000000000u},
    {0x416312d000000000u, 0x3fdaea414a8a3352u, 0xbfed085be7a8f4a1u},
    {0xc16312d000000000u, 0xbfdaea414a8a3352u, 0xbfed085be7a8f4a1u},
    {0x416312cfe8000000u, 0x3feda2f2080454b5u, 0xbfd823af0d8ed5c6u},
    {0x41d0000000000000u, 0xbfe3c12353728cafu, 0x3fe92cb46a920144u},
    {0xc00e1a877a484542u, 0x3fe2a0e904509e60u, 0xbfea04cec5ceaad3u},
    {0xc01c78794afa6655u, 0xbfe7b5c20982262fu, 0x3fe57d894efbd612u},
    {0x4013f952676d25d0u, 0xbfeebe7ebfecae77u, 0x3fd1c0f65ac60b9du},
    {0x40133a64a0a5c714u, 0xbfefdb58161bf9c6u, 0x3fb830c784823ec3u},
    {0xbfdb5d295b621580u, 0xbfda89ab8ae9ab1cu, 0x3fed1e8dd474543au},
    {0x400ebaa52f3a90ccu, 0xbfe49a90cd78dbfdu, 0xbfe87bfff231ffe2u},
    {0x3fd4e87ec3b20020u, 0x3fd489cb02d6adceu, 0x3fee4eb8d55c542du},
    {0xc0179532587d7a1au, 0x3fd82ee1e7f70016u, 0x3feda0a9a3f476f2u},
    {0x402214b1caa42b62u, 0x3fd7ff6d32346a48u, 0xbfedaa4da08c0e14u},
    {0xc0061e9e89116524u, 0xbfd78a080fbdbea3u, 0xbfedc1c8267c46a6u},
    {0x400e692b16dd0af4u, 0xbfe39d18073938bau, 0xbfe948d38916f504u},
    {0x402090da52229d48u, 0x3fed19e22dcd49a8u, 0xbfda9e21dccddb07u},
    {0x4153b1dacc34bc66u, 0xbfd7d15e5b469c45u, 0xbfedb393cb6827a5u},
    {0xc14ecf1f18b6a976u, 0xbfc28d13d8be74fau, 0xbfefa981fa01774du},
    {0x4145ceb2ce948448u, 0x3fee3c3fdae4824au, 0x3fd4f59858ae4fbfu},
    {0xc15f34133bb28503u, 0x3feaca3f5cf8f5b9u, 0x3fe18052ffa9127au},
    {0x415a5b05f8cf5500u, 0xbfea85c0a1667e4cu, 0x3fe1e77650fd9d4fu},
    {0x41167504921435e0u, 0x3fb817c388d2af26u, 0x3fefdba3e9fcc607u},
    {0x415f25ccb7e38144u, 0x3fee0ff494aea4eeu, 0xbfd5eeabf49bdb45u},
    {0xc14604de4d40d59eu, 0xbfe8f636a7690972u, 0xbfe405d20a8dc2e7u},
    {0xc1552634383fd1c2u, 0xbfd8904fd4b4a53eu, 0x3fed8c992aace174u},
    {0x41295edce944ea60u, 0x3fefebaebcc7c890u, 0xbfb204cd97f56125u},
    {0x40ea568edd3c4f00u, 0xbfe427b449b63288u, 0x3fe8dae2c5990417u},
    {0x4144d1c340dea214u, 0x3fe84d134d1d73bbu, 0x3fe4d1d46905cfa6u},
    {0x414146fa3a67150cu, 0xbfe6eee7496dac2eu, 0xbfe65142ef10bb1bu},
    {0x415600cc520da2c8u, 0x3fe76b73987bf336u, 0xbfe5ce6bc9da58d0u},
    {0x4153b55c1ed55d00u, 0xbfed7072ac2d8dd2u, 0x3fd916178e14b061u},
    {0xc157422dd94d48e2u, 0xbfec95e6fe7d87fbu, 0xbfdcc4032c1207f0u},
    {0xc153e215a04c95eau, 0x3feeaeaa445c7005u, 0x3fd22d36c7310745u},
    {0xc13e4f089b610d7cu, 0xbfc80bed95066880u, 0xbfef6e244f05d169u},
    {0x41572456529ee82cu, 0xbfe9ca5d8083b591u, 0x3fe2f17fa7e08944u},
    {0xc156e4fa154113ceu, 0x3fef9f3b1c5d5999u, 0xbfc39db6c195c094u},
    {0x41bd5f4112e9f845u, 0x3feb9d29c4c135b2u, 0x3fe02b8a63a67c7bu},
    {0x41c5c91e2c3cda9au, 0xbfecbf7e787b9807u, 0x3fdc1c4ecf853ebeu},
    {0x41cd7e138159fe33u, 0xbfc43b7166896c2bu, 0xbfef990468d1d7adu},
    {0x41c78c17ac50e2eau, 0x3fd31ab4d004c956u, 0xbfee8a82c753ba55u},
    {0x41bc25cfbe7fb4fbu, 0x3fefacaea1b2810bu, 0xbfc235910e52fa80u},
    {0x41a7159324068ef2u, 0x3fe84e7e8daa0f6fu, 0xbfe4d02c4d2791f4u},
    {0x41c208d82bd754d0u, 0x3fe9e5cdb6496914u, 0x3fe2cbeb6092ec53u},
    {0x41b4854f5c413ea3u, 0xbfe19590b876b563u, 0x3feabc52fe97e4efu},
};
static const uint32_t exp32[][2] = {
    {0x0u, 0x3f800000u},        {0x1e3ce508u, 0x3f800000u}, {0xb58637bdu, 0x3f7fffefu},
    {0x3f800000u, 0x402df854u}, {0xbf800000u, 0x3ebc5ab2u}, {0x42b16666u, 0x7f7a37fcu},
    {0xc2ae999au, 0x84c38bu},   {0x3eb16873u, 0x3fb5018au}, {0xbeb1758eu, 0x3f3503bau},
    {0x4259fefbu, 0x66c576b2u}, {0x421e3088u, 0x5c04f54cu}, {0xc1ceac27u, 0x2cd4351cu},
    {0x42a7148bu, 0x7bb7eb15u}, {0xc291cfc9u, 0xae1d58du},  {0xc28a3eb8u, 0xd9b20c6u},
    {0xc0978d56u, 0x3c0fbf56u}, {0xc1df2ae3u, 0x2b57f775u}, {0xc0224874u, 0x3da2380bu},
    {0x42aad64fu, 0x7d166e1bu}, {0x419e5df4u, 0x4dbca127u}, {0xc2ad5504u, 0xfa4463u},
    {0x42903840u, 0x7382eb88u}, {0xc1d663edu, 0x2c21bcf5u}, {0x41cc62e7u, 0x51e81105u},
    {0x426c4111u, 0x6a14202fu}, {0xc28408a2u, 0xfd86fd3u},  {0xc1980ccau, 0x31bf4fecu},
    {0x42160b8bu, 0x5a8ad834u}, {0xc25079f7u, 0x19e01a98u}, {0x3f472c73u, 0x400b569du},
    {0xbe07524au, 0x3f604f47u}, {0x3e8b1a39u, 0x3fa7f548u}, {0xbf539586u, 0x3ee00a39u},
    {0x3f646fc9u, 0x401c3643u}, {0x3ee32606u, 0x3fc77922u}, {0xbd96e4f9u, 0x3f6dd0f9u},
    {0x3ef93174u, 0x3fd03fcfu}, {0xbf548577u, 0x3edf389fu}, {0xbf2eaa6bu, 0x3f0165c7u},
    {0x3f7c7939u, 0x402b9709u}, {0xbf71e51eu, 0x3ec705fcu},
};
static const uint32_t tanh32[][2] = {
    {0x0u, 0x0u},
    {0x1e3ce508u, 0x1e3ce508u},
    {0x3c22339cu, 0x3c223241u},
    {0x3c23d70au, 0x3c23d5a4u},
    {0xbc343958u, 0xbc34377cu},
    {0x3f800000u, 0x3f42f7d6u},
    {0xc19f3333u, 0xbf800000u},
    {0x3f687ac0u, 0x3f386101u},
    {0xbeb1635cu, 0xbeaa9d92u},
    {0x3fc77f9du, 0x3f6a49ebu},
    {0x3f8ed05au, 0x3f4e5b3eu},
    {0x3f756d88u, 0x3f3e62f7u},
    {0xbe834ae2u, 0xbe807d0bu},
    {0x408bfd57u, 0x3f7feb38u},
    {0xc05c374fu, 0xbf7f799du},
    {0x3ef738d9u, 0x3ee5a56au},
    {0xc099272fu, 0xbf7ff6dfu},
    {0x403f96a7u, 0x3f7eb7b9u},
    {0x4010e078u, 0x3f7a866du},
    {0xbda2b45eu, 0xbda25cf5u},
    {0x3d4c6327u, 0x3d4c37c5u},
    {0xbd93c34eu, 0xbd9381ceu},
    {0x3dc74a68u, 0x3dc6a9fbu},
    {0xbd7a03f0u, 0xbd79b491u},
    {0x3d9926fau, 0x3d98de0eu},
    {0xbdc15572u, 0xbdc0c2f2u},
    {0xbd6b4a71u, 0xbd6b0846u},
};
static const uint32_t erf32[][2] = {
    {0x0u, 0x0u},
    {0x1e3ce508u, 0x1e552511u},
    {0xbf000000u, 0xbf053f7bu},
    {0x3f800000u, 0x3f57bb3du},
    {0x40000000u, 0x3f7ecd71u},
    {0xc0600000u, 0xbf7ffff4u},
    {0x40800000u, 0x3f800000u},
    {0x40bccccdu, 0x3f800000u},
    {0x3c184b8fu, 0x3c2bd77bu},
    {0x40070109u, 0x3f7f450eu},
    {0xbfb22fdcu, 0xbf737599u},
    {0x3eb5ab3fu, 0x3ec4b442u},
    {0x402b1b9bu, 0x3f7ff5c3u},
    {0xc060d11fu, 0xbf7ffff5u},
    {0x3ff5ae20u, 0x3f7e4ce1u},
    {0x404b9fdcu, 0x3f7fff8eu},
    {0x3fa65fcdu, 0x3f6f1865u},
    {0x40214dd8u, 0x3f7fe818u},
    {0x3e094e06u, 0x3e1a0221u},
    {0x40277edau, 0x3f7ff1efu},
    {0x40419f57u, 0x3f7ffec4u},
    {0xc03d0c99u, 0xbf7ffe11u},
    {0xc0324280u, 0xbf7ffaa3u},
    {0x3daccd60u, 0x3dc28654u},
};
static const uint64_t sqrt64[][2] = {
    {0x4000000000000000u, 0x3ff6a09e667f3bcdu}, {0x4008000000000000u, 0x3ffbb67ae8584caau},
    {0x3fe0000000000000u, 0x3fe6a09e667f3bcdu}, {0x1u, 0x1e60000000000000u},
    {0x12688b70e62bu, 0x1fc1297872d9cbaeu},     {0x10000000000000u, 0x2000000000000000u},
    {0x7fefffffffffffffu, 0x5fefffffffffffffu}, {0x4010000000000000u, 0x4000000000000000u},
    {0x3fefffffffffffffu, 0x3fefffffffffffffu}, {0x3ff0000000000001u, 0x3ff0000000000000u},
    {0x6f11ec29f9e5d64cu, 0x5780ef1a6a4973dbu}, {0x627dd01ef8bdef90u, 0x5135d72b309824ecu},
    {0x4c8d6df96fd942c1u, 0x463eb019c686c709u}, {0x626e4dd5515da719u, 0x512f23f624eb1f79u},
    {0x10a0ff2ffb07b2c6u, 0x2847525658c2a65cu}, {0xf8d0161c40e40f4u, 0x27be774705f9b1c7u},
    {0x4dee4ea6593651c5u, 0x46ef24618a9f884cu}, {0xcc6aec25d232debu, 0x265af106baeda292u},
    {0x520c75204d8cdc9u, 0x22872be2aab7f52du},  {0x5630d340bb258c52u, 0x4b10684c6c1d835au},
    {0x42629c6902882e95u, 0x41286767405dc800u}, {0x3c1514b06db92fa6u, 0x3e025d940de29069u},
    {0x627d20a3fbb2f0c7u, 0x5135968492e9d678u}, {0x706ed3c3b15346dau, 0x582f687b2097920cu},
    {0x47b148dfb562804u, 0x2234d0c403d3b710u},  {0x160c7076105d6160u, 0x2afe2acb1ce25174u},
    {0x29253087546e30du, 0x21411f6e73e7301eu},  {0x9d387af23affee8u, 0x24e1ad572809280eu},
    {0x382089a7103b3925u, 0x3c07012646b85c8fu}, {0xb2e37370c2cb75u, 0x20516264df561abau},
};
static const uint32_t sqrt32[][2] = {
    {0x40000000u, 0x3fb504f3u}, {0x40400000u, 0x3fddb3d7u}, {0x1u, 0x1a3504f3u},
    {0x800000u, 0x20000000u},   {0x7f7fffffu, 0x5f7fffffu}, {0x3f7fffffu, 0x3f7fffffu},
    {0x3f800001u, 0x3f800000u}, {0x7067407du, 0x57f34fbfu}, {0x56028u, 0x1ed1d996u},
    {0x223a97c8u, 0x30da8ef4u}, {0x7b4c3b8au, 0x5d64a7ecu}, {0x48ce31cfu, 0x4422757du},
    {0x10e47932u, 0x282b02b1u}, {0x1b95b5adu, 0x2d8a6e0eu}, {0x3b56380fu, 0x3d6a2df7u},
    {0x64823349u, 0x52011871u}, {0x3b46548fu, 0x3d6153e2u}, {0x1789b239u, 0x2b84c275u},
    {0x3d6c007bu, 0x3e75cc32u}, {0x6dedcba1u, 0x56ae76e1u}, {0x750dc8dfu, 0x5a3e8473u},
    {0x74599e63u, 0x59ec07cdu}, {0x7035fa01u, 0x57d7d681u}, {0x1151a69fu, 0x2867ab51u},
    {0x33066357u, 0x39397b3bu}, {0x2ebeb433u, 0x371c3cc1u}, {0x2b6ee3e7u, 0x35774c15u},
};
static const uint64_t random64[][5] = {
    {0x0u, 0x53175d61490b23dfu, 0x61da6f3dc380d507u, 0x5c0fdf91ec9a7bfcu, 0xb16ca64963ede86fu},
    {0x1u, 0xcfc5d07f6f03c29bu, 0xbf424132963fe08du, 0x19a37d5757aaf520u, 0x1390758a37fbd91bu},
    {0x2au, 0xd0764d4f4476689fu, 0x519e4174576f3791u, 0xfbe07cfb0c24ed8cu, 0x2f8925758fab4030u},
    {0xffffffffffffffffu, 0x56ccf8ce948e27b2u, 0xe68588432e5a5b90u, 0xe3e9b5a48119ca8bu, 0x8b4ef73ca9ba57bcu},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Distance in units of the last place; huge when signs or kinds differ. */
static double ulps64(double got, double want)
{
    uint64_t a = llmc__f64_bits(got), b = llmc__f64_bits(want);
    if (got == want)
        return 0;
    if ((a ^ b) >> 63 || got != got || want != want)
        return 1e300;
    return (double)(int64_t)(a > b ? a - b : b - a);
}

static double ulps32(float got, float want)
{
    uint32_t a = llmc__f32_bits(got), b = llmc__f32_bits(want);
    if (got == want)
        return 0;
    if ((a ^ b) >> 31 || got != got || want != want)
        return 1e300;
    return (double)(a > b ? a - b : b - a);
}

static double f64(uint64_t bits)
{
    return llmc__bits_f64(bits);
}

static float f32(uint32_t bits)
{
    return llmc__bits_f32(bits);
}

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

static void exp_double(void)
{
    size_t i;
    for (i = 0; i < COUNT(exp64); i++) {
        double x = f64(exp64[i][0]), want = f64(exp64[i][1]), got = llmc__exp(x);
        CHECKF(ulps64(got, want) <= 1, "exp(%.17g) = %.17g, expected %.17g", x, got, want);
    }
    CHECK(llmc__exp(-746) == 0 && llmc__exp(710) > DBL_MAX && llmc__exp(-1e300) == 0);
    CHECK(llmc__exp(-740) > 0 && llmc__exp(f64(0x7ff8000000000000u)) != 1);
}

static void log_double(void)
{
    size_t i;
    for (i = 0; i < COUNT(log64); i++) {
        double x = f64(log64[i][0]), want = f64(log64[i][1]), got = llmc__log(x);
        CHECKF(ulps64(got, want) <= 1 || magnitude(got - want) <= 1e-16, "log(%.17g) = %.17g, expected %.17g",
               x, got, want);
    }
    CHECK(llmc__log(0) < -DBL_MAX && llmc__log(-1) != llmc__log(-1));
    CHECK(llmc__log(f64(0x7ff0000000000000u)) > DBL_MAX);
    CHECK(magnitude(llmc__log(f64(1)) + 744.4400719213812) < 1e-12);
}

static void pow_double(void)
{
    size_t i;
    for (i = 0; i < COUNT(pow64); i++) {
        double x = f64(pow64[i][0]), y = f64(pow64[i][1]), want = f64(pow64[i][2]), got = llmc__pow(x, y);
        double bound = (2 + magnitude(y * llmc__log(x))) * 2.3e-16 * want;
        CHECKF(magnitude(got - want) <= bound, "pow(%.17g, %.17g) = %.17g, expected %.17g", x, y, got, want);
    }
}

static void sines(void)
{
    size_t i;
    float s, c;
    for (i = 0; i < COUNT(sincos64); i++) {
        double x = f64(sincos64[i][0]);
        llmc__sincos(x, &s, &c);
        CHECKF(magnitude((double)s - f64(sincos64[i][1])) <= 1e-7 &&
                   magnitude((double)c - f64(sincos64[i][2])) <= 1e-7,
               "sincos(%.17g) = %.9g %.9g", x, (double)s, (double)c);
    }
    llmc__sincos(f64(0x7ff0000000000000u), &s, &c);
    CHECK(s != s && c != c);
    llmc__sincos(-1e300, &s, &c);
    CHECK(s != s && c != c);
}

/* Everywhere on the circle, and through many turns: angle addition in double. */
static void sines_sweep(void)
{
    double x;
    for (x = -1e7; x < 1e7; x += 611.0137) {
        float s, c, s2, c2;
        llmc__sincos(x, &s, &c);
        llmc__sincos(x + x, &s2, &c2);
        CHECKF(magnitude((double)s * (double)s + (double)c * (double)c - 1) < 3e-7,
               "not on the circle at %.17g", x);
        CHECKF(magnitude(2.0 * (double)s * (double)c - (double)s2) < 4e-7, "sin 2x at %.17g", x);
    }
}

static void exp_float(void)
{
    size_t i;
    float x;
    for (i = 0; i < COUNT(exp32); i++) {
        float got = llmc__expf(f32(exp32[i][0]));
        CHECKF(ulps32(got, f32(exp32[i][1])) <= 2, "expf(%g) = %.9g, expected %.9g", (double)f32(exp32[i][0]),
               (double)got, (double)f32(exp32[i][1]));
    }
    for (x = -87.3f; x < 88.7f; x = llmc__f32(x + 0.00371f)) {
        float want = (float)llmc__exp((double)x), got = llmc__expf(x);
        CHECKF(ulps32(got, want) <= 2, "expf(%.9g) = %.9g, expected %.9g", (double)x, (double)got,
               (double)want);
    }
    CHECK(llmc__expf(-88) == 0 && llmc__expf(-FLT_MAX) == 0 && llmc__expf(89) > FLT_MAX);
    CHECK(llmc__expf(f32(0xff800000u)) == 0 && llmc__expf(f32(0x7fc00000u)) != llmc__expf(f32(0x7fc00000u)));
}

static void small_functions(void)
{
    size_t i;
    for (i = 0; i < COUNT(tanh32); i++) {
        float got = llmc__tanhf(f32(tanh32[i][0]));
        CHECKF(ulps32(got, f32(tanh32[i][1])) <= 1, "tanhf(%g) = %.9g", (double)f32(tanh32[i][0]),
               (double)got);
    }
    for (i = 0; i < COUNT(erf32); i++) {
        float got = llmc__erff(f32(erf32[i][0]));
        CHECKF(ulps32(got, f32(erf32[i][1])) <= 1, "erff(%g) = %.9g", (double)f32(erf32[i][0]), (double)got);
    }
    CHECK(llmc__tanhf(50) == 1 && llmc__tanhf(-50) == -1 && llmc__erff(9) == 1 && llmc__erff(-9) == -1);
    CHECK(llmc__logf(2) > 0.6931471f && llmc__logf(2) < 0.6931473f);
}

static void roots(void)
{
    size_t i;
    uint32_t n;
    for (i = 0; i < COUNT(sqrt64); i++)
        CHECKF(llmc__f64_bits(llmc__sqrt(f64(sqrt64[i][0]))) == sqrt64[i][1], "sqrt(%.17g)",
               f64(sqrt64[i][0]));
    for (i = 0; i < COUNT(sqrt32); i++)
        CHECKF(llmc__f32_bits(llmc__sqrtf(f32(sqrt32[i][0]))) == sqrt32[i][1], "sqrtf(%.9g)",
               (double)f32(sqrt32[i][0]));
    /* squares are exact, and the float next to a square has the root next to it or the same */
    for (n = 1; n < 4096; n++) {
        CHECK(llmc__sqrtf((float)(n * n)) == (float)n);
        CHECK(llmc__sqrt((double)n * n * 16777216.0) == n * 4096.0);
    }
    /* correctly rounded: the root lies within half an ulp, decided exactly in double */
    for (n = 0x00800000u; n < 0x7f000000u; n += 0x1f321u) {
        double x = (double)f32(n), r = (double)llmc__sqrtf(f32(n));
        double half = ((double)f32(llmc__f32_bits((float)r) + 1) - r) / 2;
        CHECKF((r - half) * (r - half) < x && x < (r + half) * (r + half), "sqrtf(%.9g) = %.9g", x, r);
    }
    CHECK(llmc__sqrtf(0) == 0 && llmc__sqrt(-1) != llmc__sqrt(-1) && llmc__sqrtf(f32(0x7f800000u)) > FLT_MAX);
    CHECK(llmc__sqrtf(f32(0x7fc00000u)) != 0 && llmc__f32_bits(llmc__sqrtf(f32(0x80000000u))) == 0x80000000u);
}

static void random_numbers(void)
{
    size_t i;
    int k;
    llmc_rng rng;
    for (i = 0; i < COUNT(random64); i++) {
        rng = llmc_rng_seed(random64[i][0]);
        CHECK(llmc_rng_u64(&rng) == random64[i][1]);
        CHECK(llmc_rng_u64(&rng) == random64[i][2]);
        CHECK(llmc_rng_u64(&rng) == random64[i][3]);
        for (k = 0; k < 96; k++)
            (void)llmc_rng_u64(&rng);
        CHECK(llmc_rng_u64(&rng) == random64[i][4]);
    }
    rng = llmc_rng_seed(1);
    CHECK(llmc_rng_uniform(&rng) == (float)(uint32_t)(random64[1][1] >> 40) / 16777216.0f);
}

/* Moments of a million numbers, within six standard errors. */
static void distributions(void)
{
    llmc_rng rng = llmc_rng_seed(9);
    double sum = 0, squares = 0, fourth = 0, n = 1000000;
    float low = 1, high = 0;
    int i;
    for (i = 0; i < 1000000; i++) {
        float u = llmc_rng_uniform(&rng);
        low = u < low ? u : low;
        high = u > high ? u : high;
        sum += (double)u;
    }
    CHECK(low >= 0 && high < 1 && low < 1e-5f && high > 0.99999f);
    CHECKF(magnitude(sum / n - 0.5) < 6 * 0.2887e-3, "mean of uniform %g", sum / n);
    sum = 0;
    for (i = 0; i < 1000000; i++) {
        double z = (double)llmc_rng_normal(&rng);
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    CHECKF(magnitude(sum / n) < 6e-3, "mean of normal %g", sum / n);
    CHECKF(magnitude(squares / n - 1) < 6 * 1.414e-3, "variance of normal %g", squares / n);
    CHECKF(magnitude(fourth / n - 3) < 6 * 9.8e-3, "fourth moment of normal %g", fourth / n);
}

int main(void)
{
    RUN(exp_double);
    RUN(log_double);
    RUN(pow_double);
    RUN(sines);
    RUN(sines_sweep);
    RUN(exp_float);
    RUN(small_functions);
    RUN(roots);
    RUN(random_numbers);
    RUN(distributions);
    return test_end("test_math");
}
