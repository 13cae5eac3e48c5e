/* test_config.c -- would the config.json of real models load, and mean what their makers' code computes?

   Each row of `models` has the keys that downloaded files of that family carry, with small sizes, or
   leaves out what the family's code assumes; a safetensors file of zeros is built beside it in memory.
   What comes out is compared as one line of text: see `describe`. Expected lines are written from the
   configuration classes of transformers (4.57 and 5), not from the output. `refused` lists keys that change
   the computation in a way that is not supported. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

/* Tensors: a name, a space, its dimensions by letter. '%' is repeated for each layer, '@' for each
   expert; ".weight" is added unless the name ends with ".bias" or '!'. */
#define ENDS       "model.embed_tokens VD|model.norm D|"
#define ATTENTION  "L.self_attn.q_proj QD|L.self_attn.k_proj GD|L.self_attn.v_proj GD|L.self_attn.o_proj DQ|"
#define QKV_BIAS   "L.self_attn.q_proj.bias Q|L.self_attn.k_proj.bias G|L.self_attn.v_proj.bias G|"
#define GATED      "L.mlp.gate_proj FD|L.mlp.up_proj FD|L.mlp.down_proj DF|"
#define PRE_NORMS  "L.input_layernorm D|L.post_attention_layernorm D|"
#define PRE_BIASES "L.input_layernorm.bias D|L.post_attention_layernorm.bias D|model.norm.bias D|"
#define QK_NORMS   "L.self_attn.q_norm K|L.self_attn.k_norm K|"
#define SANDWICH   PRE_NORMS "L.pre_feedforward_layernorm D|L.post_feedforward_layernorm D|"
#define BRANCHES   "L.post_attention_layernorm D|L.post_feedforward_layernorm D|"
#define EXPERTS \
    "L.mlp.gate ED|L.mlp.experts.@.gate_proj MD|L.mlp.experts.@.up_proj MD|L.mlp.experts.@.down_proj DM|"
#define LLAMA ENDS ATTENTION GATED PRE_NORMS
#define HEAD  "lm_head VD|"

/* Keys that nearly all files have; sizes that nearly all rows share. Single quotes stand for double ones. */
#define COMMON                                                                                         \
    "'architectures':['X'],'torch_dtype':'bfloat16','transformers_version':'4.51.3','use_cache':true," \
    "'bos_token_id':1,'eos_token_id':[2,3],'initializer_range':0.02,'attention_dropout':0.0,"          \
    "'_name_or_path':'a/b','id2label':{'0':'LABEL_0'},'label2id':{'LABEL_0':0},'pad_token_id':0,"
#define WIDTHS "'hidden_size':32,'intermediate_size':16,'vocab_size':5,"
#define SIZES  WIDTHS "'num_hidden_layers':2,'num_attention_heads':4,"

typedef struct sizes {
    unsigned L, D, H, G, K, F, E, M,
        P; /* layers, width, heads of both kinds, their size, ... experts, positions */
} sizes;

typedef struct row {
    const char *name, *config, *tensors, *expected;
    sizes n;
} row;

static const row models[] = {
    {"Llama 3.1",
     COMMON SIZES "'model_type':'llama','num_key_value_heads':2,'max_position_embeddings':131072,"
                  "'rms_norm_eps':1e-05,'rope_theta':500000.0,'hidden_act':'silu','attention_bias':false,"
                  "'mlp_bias':false,'pretraining_tp':1,'tie_word_embeddings':false,"
                  "'rope_scaling':{'factor':8.0,'low_freq_factor':1.0,'high_freq_factor':4.0,"
                  "'original_max_position_embeddings':8192,'rope_type':'llama3'}",
     LLAMA HEAD,
     "4h 2kv k8 c131072 eps1e-05 silu rot8/500000 llama3*8",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"Llama 1, and what others add to it",
     COMMON SIZES "'model_type':'llama','hidden_act':'silu','max_sequence_length':2048,'max_length':4096,"
                  "'is_llama_config':true,'rope_interleaved':false,'sliding_window':4,"
                  "'transformers.js_config':{'dtype':'q4'},'_flash_attn_2_enabled':true,'top_k':50,"
                  "'temperature':1.0,'num_beams':1,'unsloth_version':'2024.9'",
     LLAMA HEAD,
     "4h 4kv k8 c2048 eps1e-06 silu rot8/10000",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Llama as transformers 5 writes it",
     COMMON SIZES "'model_type':'llama','num_key_value_heads':4,'dtype':'bfloat16','head_dim':8,"
                  "'tie_word_embeddings':true,'rope_parameters':{'rope_theta':7000.0,'rope_type':'default'}",
     LLAMA HEAD,
     "4h 4kv k8 c2048 eps1e-06 silu rot8/7000 tied",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Mistral without a word on its window",
     COMMON WIDTHS "'num_hidden_layers':2,'num_attention_heads':8,'model_type':'mistral','hidden_act':'silu'",
     LLAMA HEAD,
     "8h 8kv k4 c131072 eps1e-06 silu rot4/10000 w4096:11",
     {2, 32, 8, 8, 4, 16, 0, 0, 0}},
    {"Mistral 0.3",
     COMMON SIZES
     "'model_type':'mistral','num_key_value_heads':2,'sliding_window':null,'hidden_act':'silu',"
     "'max_position_embeddings':32768,'rms_norm_eps':1e-05,'rope_theta':1000000.0,'head_dim':null",
     LLAMA HEAD,
     "4h 2kv k8 c32768 eps1e-05 silu rot8/1e+06",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"Mixtral",
     COMMON SIZES "'model_type':'mixtral','num_key_value_heads':2,'sliding_window':null,'hidden_act':'silu',"
                  "'max_position_embeddings':32768,'num_experts_per_tok':2,'num_local_experts':4,"
                  "'output_router_logits':false,'router_aux_loss_coef':0.02,'router_jitter_noise':0.0",
     ENDS HEAD ATTENTION PRE_NORMS
     "L.block_sparse_moe.gate ED|L.block_sparse_moe.experts.@.w1 MD|L.block_sparse_moe.experts.@.w3 MD|"
     "L.block_sparse_moe.experts.@.w2 DM|",
     "4h 2kv k8 c32768 eps1e-05 silu rot8/1e+06 x2/4*16 renorm",
     {2, 32, 4, 2, 8, 16, 4, 16, 0}},
    {"Qwen 2.5",
     COMMON SIZES
     "'model_type':'qwen2','num_key_value_heads':2,'max_position_embeddings':32768,"
     "'max_window_layers':1,'sliding_window':131072,'use_sliding_window':false,'hidden_act':'silu',"
     "'rms_norm_eps':1e-06,'rope_theta':1000000.0,'tie_word_embeddings':true,'use_mrope':false",
     LLAMA QKV_BIAS,
     "4h 2kv k8 c32768 eps1e-06 silu rot8/1e+06 tied",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"Qwen 2 with a window, and no word on its use",
     COMMON SIZES "'model_type':'qwen2','num_key_value_heads':2,'sliding_window':4",
     LLAMA QKV_BIAS HEAD,
     "4h 2kv k8 c32768 eps1e-06 silu rot8/10000",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"Qwen 1.5 MoE",
     COMMON SIZES "'model_type':'qwen2_moe','num_key_value_heads':2,'decoder_sparse_step':1,"
                  "'moe_intermediate_size':8,'shared_expert_intermediate_size':16,'num_experts_per_tok':2,"
                  "'num_experts':4,'max_window_layers':21,'sliding_window':32768,'use_sliding_window':false,"
                  "'mlp_only_layers':[],'output_router_logits':false,'router_aux_loss_coef':0.001",
     ENDS HEAD ATTENTION QKV_BIAS PRE_NORMS EXPERTS
     "L.mlp.shared_expert_gate 1D|L.mlp.shared_expert.gate_proj FD|L.mlp.shared_expert.up_proj FD|"
     "L.mlp.shared_expert.down_proj DF|",
     "4h 2kv k8 c32768 eps1e-06 silu rot8/10000 x2/4*8+16",
     {2, 32, 4, 2, 8, 16, 4, 8, 0}},
    {"Qwen 3",
     COMMON SIZES
     "'model_type':'qwen3','num_key_value_heads':2,'max_position_embeddings':40960,"
     "'max_window_layers':36,'sliding_window':null,'use_sliding_window':false,'rope_scaling':null,"
     "'rope_theta':1000000,'attention_bias':false,'layer_types':['full_attention','full_attention']",
     LLAMA QK_NORMS HEAD,
     "4h 2kv k128 c40960 eps1e-06 silu rot128/1e+06",
     {2, 32, 4, 2, 128, 16, 0, 0, 0}},
    {"Qwen 3 MoE",
     COMMON SIZES
     "'model_type':'qwen3_moe','head_dim':16,'decoder_sparse_step':1,'mlp_only_layers':[],"
     "'moe_intermediate_size':8,'num_experts':4,'num_experts_per_tok':2,'use_sliding_window':false",
     ENDS HEAD ATTENTION PRE_NORMS QK_NORMS EXPERTS,
     "4h 4kv k16 c32768 eps1e-06 silu rot16/10000 x2/4*8",
     {2, 32, 4, 4, 16, 16, 4, 8, 0}},
    {"Gemma",
     COMMON SIZES "'model_type':'gemma','num_key_value_heads':1,'hidden_act':'gelu','hidden_activation':null,"
                  "'attention_bias':false,'max_position_embeddings':8192",
     LLAMA HEAD,
     "4h 1kv k256 c8192 eps1e-06 tanh rot256/10000 e5.65685 tied",
     {2, 32, 4, 1, 256, 16, 0, 0, 0}},
    {"Gemma 2, by what its code assumes",
     COMMON SIZES "'model_type':'gemma2','hidden_act':'gelu','cache_implementation':'hybrid',"
                  "'sliding_window_size':4096",
     ENDS ATTENTION GATED SANDWICH,
     "4h 4kv k256 c8192 eps1e-06 tanh rot256/10000 w4096:10 as0.0625 cap50/30 e5.65685 tied",
     {2, 32, 4, 4, 256, 16, 0, 0, 0}},
    {"Gemma 3 4B, whose text_config says little",
     "'architectures':['Gemma3ForConditionalGeneration'],'model_type':'gemma3','boi_token_index':255999,"
     "'mm_tokens_per_image':256,'vision_config':{'hidden_size':1152},'text_config':{'hidden_size':32,"
     "'intermediate_size':16,'model_type':'gemma3_text','num_hidden_layers':6,'sliding_window':1024,"
     "'rope_scaling':{'factor':8.0,'rope_type':'linear'}}",
     ENDS ATTENTION GATED SANDWICH QK_NORMS "vision_tower.vision_model.post_layernorm D|",
     "8h 4kv k256 c131072 eps1e-06 tanh rot256/1e+06 linear*8 local10000 w1024:111110 as0.0625 e5.65685 tied",
     {6, 32, 8, 4, 256, 16, 0, 0, 0}},
    {"Gemma 3 270M",
     COMMON WIDTHS
     "'num_hidden_layers':2,'num_attention_heads':4,'model_type':'gemma3_text','head_dim':8,"
     "'num_key_value_heads':1,'_sliding_window_pattern':6,'attention_bias':false,"
     "'attn_logit_softcapping':null,'final_logit_softcapping':null,'query_pre_attn_scalar':4,"
     "'hidden_activation':'gelu_pytorch_tanh','rope_local_base_freq':10000.0,'sliding_window':512,"
     "'rope_theta':1000000.0,'use_bidirectional_attention':false,"
     "'layer_types':['sliding_attention','full_attention'],'rms_norm_eps':1e-06",
     ENDS ATTENTION GATED SANDWICH QK_NORMS,
     "4h 1kv k8 c131072 eps1e-06 tanh rot8/1e+06 local10000 w512:10 as0.5 e5.65685 tied",
     {2, 32, 4, 1, 8, 16, 0, 0, 0}},
    {"Phi 2",
     COMMON SIZES "'model_type':'phi','hidden_act':'gelu_new','embd_pdrop':0.0,'resid_pdrop':0.1,"
                  "'layer_norm_eps':1e-05,'qk_layernorm':false,'num_key_value_heads':4,'rope_scaling':null",
     "model.embed_tokens VD|model.final_layernorm D|model.final_layernorm.bias D|lm_head VD|lm_head.bias V|"
     "L.input_layernorm D|L.input_layernorm.bias D|L.self_attn.q_proj QD|L.self_attn.k_proj GD|"
     "L.self_attn.v_proj GD|L.self_attn.dense DQ|L.self_attn.dense.bias D|L.mlp.fc1 FD|L.mlp.fc1.bias F|"
     "L.mlp.fc2 DF|L.mlp.fc2.bias D|" QKV_BIAS,
     "4h 4kv k8 c2048 eps1e-05 tanh rot4/10000 par",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Phi 4 mini",
     COMMON SIZES
     "'model_type':'phi3','num_key_value_heads':2,'max_position_embeddings':131072,"
     "'original_max_position_embeddings':4096,'partial_rotary_factor':0.75,'sliding_window':262144,"
     "'full_attn_mod':1,'interpolate_factor':1,'lm_head_bias':false,'mlp_bias':false,"
     "'embd_pdrop':0.0,'resid_pdrop':0.0,'tie_word_embeddings':true,'auto_map':{'a':'b'},"
     "'rope_scaling':{'type':'longrope','long_factor':[1,2,3],'short_factor':[1,1,1]}",
     ENDS PRE_NORMS "L.self_attn.qkv_proj SD|L.self_attn.o_proj DQ|L.mlp.gate_up_proj fD|L.mlp.down_proj DF|",
     "4h 2kv k8 c131072 eps1e-05 silu rot6/10000 longrope*32 w262144:11 tied",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"GPT-2 medium",
     COMMON "'model_type':'gpt2','n_embd':32,'n_head':4,'n_layer':2,'n_positions':8,'n_ctx':8,'n_special':0,"
            "'vocab_size':5,'predict_special_tokens':true,'activation_function':'gelu_new','attn_pdrop':0.1,"
            "'embd_pdrop':0.1,'resid_pdrop':0.1,'summary_type':'cls_index','summary_use_proj':true,"
            "'summary_first_dropout':0.1,'summary_proj_to_labels':true,'_num_labels':1,'n_inner':null,"
            "'task_specific_params':{'text-generation':{'do_sample':true}}",
     "wte VD|wpe PD|ln_f D|ln_f.bias D|h.%.ln_1 D|h.%.ln_1.bias D|h.%.ln_2 D|h.%.ln_2.bias D|"
     "h.%.attn.c_attn DS|h.%.attn.c_attn.bias S|h.%.attn.c_proj DD|h.%.attn.c_proj.bias D|h.%.mlp.c_fc DF|"
     "h.%.mlp.c_fc.bias F|h.%.mlp.c_proj FD|h.%.mlp.c_proj.bias D|",
     "4h 4kv k8 c8 eps1e-05 tanh tied",
     {2, 32, 4, 4, 8, 128, 0, 0, 8}},
    {"Pythia as transformers 5 writes it",
     COMMON SIZES "'model_type':'gpt_neox','hidden_act':'gelu','hidden_dropout':0.0,'classifier_dropout':0.1,"
                  "'use_parallel_residual':true,'attention_bias':true,'tie_word_embeddings':false,"
                  "'custom_pipelines':{'a':{'impl':'b'}},'num_steps':'global_step1',"
                  "'rope_parameters':{'rope_theta':10000,'partial_rotary_factor':0.5,'rope_type':'default'}",
     "gpt_neox.embed_in VD|embed_out VD|gpt_neox.final_layer_norm D|gpt_neox.final_layer_norm.bias D|"
     "L.input_layernorm D|L.input_layernorm.bias D|L.post_attention_layernorm D|"
     "L.post_attention_layernorm.bias D|L.attention.query_key_value SD|L.attention.query_key_value.bias S|"
     "L.attention.dense DD|L.attention.dense.bias D|L.mlp.dense_h_to_4h FD|L.mlp.dense_h_to_4h.bias F|"
     "L.mlp.dense_4h_to_h DF|L.mlp.dense_4h_to_h.bias D|",
     "4h 4kv k8 c2048 eps1e-05 erf rot4/10000 own",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"StarCoder 2",
     COMMON SIZES "'activation_function':'gelu','attention_softmax_in_fp32':true,'embedding_dropout':0.1,"
                  "'hidden_act':'gelu_pytorch_tanh','layer_norm_epsilon':1e-05,'norm_epsilon':1e-05,"
                  "'mlp_type':'default','model_type':'starcoder2','norm_type':'layer_norm',"
                  "'num_key_value_heads':2,'residual_dropout':0.1,'rope_theta':999999.4420358813,"
                  "'scale_attention_softmax_in_fp32':true,'scale_attn_weights':true,'sliding_window':4096,"
                  "'use_bias':true",
     ENDS PRE_NORMS PRE_BIASES ATTENTION QKV_BIAS
     "L.self_attn.o_proj.bias D|L.mlp.c_fc FD|L.mlp.c_fc.bias F|L.mlp.c_proj DF|L.mlp.c_proj.bias D|",
     "4h 2kv k8 c4096 eps1e-05 tanh rot8/999999 w4096:11 tied",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"OLMo",
     COMMON SIZES "'model_type':'olmo','clip_qkv':8.0,'tie_word_embeddings':true,'attention_bias':false",
     "model.embed_tokens VD|" ATTENTION GATED,
     "4h 4kv k8 c2048 eps1e-05 silu rot8/10000 clip8 tied",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"OLMo 3",
     COMMON WIDTHS
     "'num_hidden_layers':4,'num_attention_heads':4,'model_type':'olmo3','rope_theta':500000,"
     "'rope_scaling':{'attention_factor':1.2,'beta_fast':32,'beta_slow':1,'factor':8.0,"
     "'original_max_position_embeddings':8192,'rope_type':'yarn'},'max_position_embeddings':65536",
     ENDS HEAD ATTENTION GATED BRANCHES "L.self_attn.q_norm Q|L.self_attn.k_norm G|",
     "4h 4kv k8 c65536 eps1e-05 silu rot8/500000 yarn*8 local500000 w4096:1110",
     {4, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"OLMoE",
     COMMON SIZES "'model_type':'olmoe','clip_qkv':null,'num_experts':4,'num_experts_per_tok':2,"
                  "'output_router_logits':false,'router_aux_loss_coef':0.01",
     ENDS HEAD ATTENTION PRE_NORMS EXPERTS "L.self_attn.q_norm Q|L.self_attn.k_norm G|",
     "4h 4kv k8 c4096 eps1e-05 silu rot8/10000 x2/4*16",
     {2, 32, 4, 4, 8, 16, 4, 16, 0}},
    {"StableLM 2",
     COMMON SIZES
     "'model_type':'stablelm','num_key_value_heads':4,'hidden_dropout':0.0,'qk_layernorm':false,"
     "'layer_norm_eps':1e-05,'use_parallel_residual':false,'use_qkv_bias':true,'rope_theta':10000",
     LLAMA PRE_BIASES QKV_BIAS HEAD,
     "4h 4kv k8 c4096 eps1e-05 silu rot2/10000",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Granite 3",
     COMMON SIZES "'model_type':'granite','num_key_value_heads':2,'attention_multiplier':0.015625,"
                  "'embedding_multiplier':12.0,'logits_scaling':8.0,'residual_multiplier':0.22,"
                  "'rms_norm_eps':1e-05,'mlp_bias':false,'tie_word_embeddings':true",
     LLAMA,
     "4h 2kv k8 c2048 eps1e-05 silu rot8/10000 as0.015625 e12 r0.22 l0.125 tied",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"Granite MoE, by what its code assumes",
     COMMON SIZES "'model_type':'granitemoe','num_local_experts':4,'num_experts_per_tok':2",
     ENDS HEAD ATTENTION PRE_NORMS
     "L.block_sparse_moe.router.layer ED|"
     "L.block_sparse_moe.input_linear EmD|L.block_sparse_moe.output_linear EDM|",
     "4h 4kv k8 c2048 eps1e-06 silu rot8/10000 as1 x2/4*16 renorm",
     {2, 32, 4, 4, 8, 16, 4, 16, 0}},
    {"SmolLM 3",
     COMMON WIDTHS
     "'num_hidden_layers':4,'num_attention_heads':4,'model_type':'smollm3','max_window_layers':28,"
     "'no_rope_layer_interval':2,'sliding_window':null,'use_sliding_window':false,"
     "'layer_types':['full_attention','full_attention','full_attention','full_attention'],"
     "'pretraining_tp':2,'mlp_bias':false",
     LLAMA,
     "4h 4kv k8 c32768 eps1e-06 silu rot8/2e+06 flat:0101 tied",
     {4, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"gpt-oss, by what its code assumes",
     COMMON WIDTHS "'num_hidden_layers':2,'num_attention_heads':8,'model_type':'gpt_oss','head_dim':8,"
                   "'experts_per_token':2,'num_experts_per_tok':2,'num_local_experts':4,'hidden_act':'silu',"
                   "'initial_context_length':4096,'swiglu_limit':7.0,'output_router_logits':false,"
                   "'router_aux_loss_coef':0.9,'quantization_config':{'quant_method':'mxfp4'}",
     ENDS HEAD ATTENTION QKV_BIAS PRE_NORMS
     "L.self_attn.o_proj.bias D|L.self_attn.sinks! H|L.mlp.router ED|L.mlp.router.bias E|"
     "L.mlp.experts.gate_up_proj! EDm|L.mlp.experts.gate_up_proj_bias! Em|L.mlp.experts.down_proj! EMD|"
     "L.mlp.experts.down_proj_bias! ED|",
     "8h 8kv k8 c131072 eps1e-05 oai rot8/150000 yarn*32 w128:10 x2/4*16 renorm",
     {2, 32, 8, 8, 8, 16, 4, 16, 0}},
    {"Command R",
     COMMON SIZES
     "'model_type':'cohere','layer_norm_eps':1e-05,'model_max_length':131072,'rope_theta':8000000.0,"
     "'use_qk_norm':false,'pretraining_tp':1",
     ENDS "L.input_layernorm D|" ATTENTION GATED,
     "4h 4kv k8 c8192 eps1e-05 silu rot8/8e+06 par l0.0625 tied",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Command R7B",
     COMMON WIDTHS "'num_hidden_layers':4,'num_attention_heads':4,'model_type':'cohere2','layer_switch':4,"
                   "'cache_implementation':'hybrid','head_dim':8,'logit_scale':0.25,'rotary_pct':1.0,"
                   "'order_of_interleaved_layers':'local_attn_first','position_embedding_type':'rope_gptj',"
                   "'rope_scaling':null,'rope_theta':50000,'sliding_window_pattern':4,'layer_norm_eps':1e-05,"
                   "'use_embedding_sharing':true,'use_gated_activation':true,'use_parallel_block':true,"
                   "'use_parallel_embedding':true",
     ENDS "L.input_layernorm D|" ATTENTION GATED,
     "4h 4kv k8 c8192 eps1e-05 silu rot8/50000 w4096:1110 flat:0001 par l0.25 tied",
     {4, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Falcon 7B",
     COMMON
     "'model_type':'falcon','hidden_size':32,'num_attention_heads':4,'num_hidden_layers':2,'vocab_size':5,"
     "'alibi':false,'apply_residual_connection_post_layernorm':false,'bias':false,'hidden_dropout':0.0",
     "transformer.word_embeddings VD|transformer.ln_f D|transformer.ln_f.bias D|lm_head VD|"
     "h.%.input_layernorm D|h.%.input_layernorm.bias D|h.%.self_attention.query_key_value SD|"
     "h.%.self_attention.dense DD|h.%.mlp.dense_h_to_4h FD|h.%.mlp.dense_4h_to_h DF|",
     "4h 1kv k8 c2048 eps1e-05 erf rot8/10000 par tied",
     {2, 32, 4, 1, 8, 128, 0, 0, 0}},
    {"Falcon 11B",
     COMMON
     "'model_type':'falcon','hidden_size':32,'num_attention_heads':4,'num_hidden_layers':2,'vocab_size':5,"
     "'activation':'gelu','ff_factor':4,'ffn_hidden_size':16,'multi_query':true,'num_kv_heads':2,"
     "'new_decoder_architecture':true,'num_ln_in_parallel_attn':1,'parallel_attn':true,"
     "'max_position_embeddings':8192,'rope_theta':500042.0,'tie_word_embeddings':false",
     "transformer.word_embeddings VD|transformer.ln_f D|transformer.ln_f.bias D|lm_head VD|"
     "h.%.input_layernorm D|h.%.input_layernorm.bias D|h.%.self_attention.query_key_value SD|"
     "h.%.self_attention.dense DD|h.%.mlp.dense_h_to_4h FD|h.%.mlp.dense_4h_to_h DF|",
     "4h 2kv k8 c8192 eps1e-05 erf rot8/500042 par",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"GLM 4",
     COMMON SIZES "'model_type':'glm4','num_key_value_heads':2,'attention_bias':false,'rope_theta':10000.0",
     ENDS HEAD PRE_NORMS ATTENTION "L.post_self_attn_layernorm D|L.post_mlp_layernorm D|"
                                   "L.mlp.gate_up_proj fD|L.mlp.down_proj DF|",
     "4h 2kv k128 c131072 eps1.5625e-07 silu rot64/10000",
     {2, 32, 4, 2, 128, 16, 0, 0, 0}},
    {"EXAONE 4 32B",
     COMMON WIDTHS "'num_hidden_layers':4,'num_attention_heads':4,'model_type':'exaone4','head_dim':8,"
                   "'num_key_value_heads':2,'sliding_window_pattern':'LLLG','rope_theta':1000000",
     ENDS HEAD ATTENTION GATED BRANCHES QK_NORMS,
     "4h 2kv k8 c2048 eps1e-05 silu rot8/1e+06 w4096:1110 flat:0001",
     {4, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"EXAONE 4 1.2B",
     COMMON SIZES "'model_type':'exaone4','head_dim':8,'num_key_value_heads':2,'sliding_window':null,"
                  "'sliding_window_pattern':null,'tie_word_embeddings':true",
     ENDS ATTENTION GATED BRANCHES QK_NORMS,
     "4h 2kv k8 c2048 eps1e-05 silu rot8/10000 tied",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"InternLM 2",
     COMMON SIZES
     "'model_type':'internlm2','num_key_value_heads':2,'attn_implementation':'eager','bias':false,"
     "'max_position_embeddings':32768,'rms_norm_eps':1e-05,'rope_theta':1000000,"
     "'rope_scaling':{'type':'dynamic','factor':2.0},'auto_map':{'AutoConfig':'x'}",
     "model.tok_embeddings VD|model.norm D|output VD|L.attention_norm D|L.ffn_norm D|L.attention.wqkv SD|"
     "L.attention.wo DQ|L.feed_forward.w1 FD|L.feed_forward.w3 FD|L.feed_forward.w2 DF|",
     "4h 2kv k8 c32768 eps1e-05 silu rot8/1e+06 dynamic*2",
     {2, 32, 4, 2, 8, 16, 0, 0, 0}},
    {"MiniCPM without model_type",
     "'architectures':['MiniCPMForCausalLM'],'auto_map':{'AutoConfig':'x'},'scale_emb':12,'dim_model_base':8,"
     "'mup_denominator':32," SIZES "'scale_depth':1.4,'max_position_embeddings':4096,'rms_norm_eps':1e-05",
     LLAMA,
     "4h 4kv k8 c4096 eps1e-05 silu rot8/10000 e12 r0.989949 l0.25 tied",
     {2, 32, 4, 4, 8, 16, 0, 0, 0}},
    {"Minitron",
     COMMON SIZES
     "'model_type':'nemotron','head_dim':16,'num_key_value_heads':2,'hidden_act':'relu2',"
     "'norm_eps':1e-05,'rope_percent':0.5,'kv_channels':16,'lm_head_bias':false,'mlp_bias':false",
     ENDS HEAD ATTENTION PRE_NORMS PRE_BIASES "L.mlp.up_proj FD|L.mlp.down_proj DF|",
     "4h 2kv k16 c4096 eps1e-05 relu2 rot8/10000",
     {2, 32, 4, 2, 16, 16, 0, 0, 0}},
    {"BERT",
     COMMON SIZES
     "'model_type':'bert','attention_probs_dropout_prob':0.1,'hidden_dropout_prob':0.1,"
     "'classifier_dropout':null,'directionality':'bidi','pooler_fc_size':768,"
     "'pooler_num_attention_heads':12,'pooler_num_fc_layers':3,'pooler_size_per_head':128,"
     "'pooler_type':'first_token_transform','position_embedding_type':'absolute','is_decoder':false,"
     "'type_vocab_size':2,'gradient_checkpointing':false,'max_position_embeddings':8",
     "embeddings.word_embeddings VD|embeddings.position_embeddings PD|embeddings.token_type_embeddings 2D|"
     "embeddings.LayerNorm D|embeddings.LayerNorm.bias D|encoder.layer.%.attention.self.query DD|"
     "encoder.layer.%.attention.self.key DD|encoder.layer.%.attention.self.value DD|"
     "encoder.layer.%.attention.self.query.bias D|encoder.layer.%.attention.self.key.bias D|"
     "encoder.layer.%.attention.self.value.bias D|encoder.layer.%.attention.output.dense DD|"
     "encoder.layer.%.attention.output.dense.bias D|encoder.layer.%.attention.output.LayerNorm D|"
     "encoder.layer.%.attention.output.LayerNorm.bias D|encoder.layer.%.intermediate.dense FD|"
     "encoder.layer.%.intermediate.dense.bias F|encoder.layer.%.output.dense DF|"
     "encoder.layer.%.output.dense.bias D|encoder.layer.%.output.LayerNorm D|"
     "encoder.layer.%.output.LayerNorm.bias D|pooler.dense DD|pooler.dense.bias D|",
     "4h 4kv k8 c8 eps1e-12 erf",
     {2, 32, 4, 4, 8, 16, 0, 0, 8}}};

/* Keys that must stop a model: of which family, what is added to COMMON and SIZES, and the key or value
   that the message has to name. */
static const struct {
    const char *keys, *named;
} refused[] = {
    {"'model_type':'llama','quantization_config':{'quant_method':'gptq'}", "quantization_config"},
    {"'model_type':'llama','attention_chunk_size':8", "attention_chunk_size"},
    {"'model_type':'llama','is_encoder_decoder':true", "is_encoder_decoder"},
    {"'model_type':'llama','hidden_act':'quick_gelu'", "hidden_act"},
    {"'model_type':'llama','rope_scaling':{'type':'xpos','factor':2.0}", "xpos"},
    {"'model_type':'llama','rope_parameters':{'rope_type':'default','partial_rotary_factor':2.0}",
     "partial_rotary_factor"},
    {"'model_type':'llama','rope_scaling':{'type':'linear','factor':2.0},'rope_parameters':{'rope_theta':1}",
     "rope_scaling"},
    {"'model_type':'llama','rope_theta':10000,'rope_base':20000", "rope_theta"},
    {"'model_type':'llama','never_seen':'x'", "never_seen"},
    {"'model_type':'llama','n_group':8", "n_group"},
    {"'model_type':'llama','use_parallel_residual':true", "use_parallel_residual"},
    {"'model_type':'qwen2','use_sliding_window':true,'num_key_value_heads':4,"
     "'layer_types':['full_attention','linear_attention']",
     "layer_types"},
    {"'model_type':'llama','layer_types':['chunked_attention','full_attention']", "layer_types"},
    {"'model_type':'qwen2_moe','use_sliding_window':true,'num_key_value_heads':4", "use_sliding_window"},
    {"'model_type':'gemma3_text','use_bidirectional_attention':true", "attention_chunk_size"},
    {"'model_type':'cohere2','sliding_window':null", "sliding_window"},
    {"'model_type':'falcon','alibi':true", "alibi"},
    {"'model_type':'gpt2','n_positions':8,'scale_attn_weights':false", "scale_attn_weights"},
    {"'model_type':'gpt2','n_positions':8,'scale_attn_by_inverse_layer_idx':true", "attention_chunk_size"},
    {"'model_type':'granitemoeshared','shared_intermediate_size':16", "shared_intermediate_size"},
    {"'model_type':'bert','is_decoder':true", "is_decoder"},
    {"'model_type':'bert','position_embedding_type':'relative_key'", "position_embedding_type"},
    {"'model_type':'nosuch'", "nosuch"}};

//--[ a safetensors file of zeros ]--
typedef struct store {
    char header[1 << 16];
    size_t len, bytes; /* of the header's text; of the data */
} store;

/* A dimension by its letter. */
static unsigned dim(const sizes *n, char letter)
{
    switch (letter) {
    case 'V':
        return 5;
    case 'D':
        return n->D;
    case 'F':
        return n->F;
    case 'f':
        return 2 * n->F;
    case 'Q':
        return n->H * n->K;
    case 'G':
        return n->G * n->K;
    case 'S':
        return (n->H + 2 * n->G) * n->K;
    case 'K':
        return n->K;
    case 'H':
        return n->H;
    case 'E':
        return n->E;
    case 'M':
        return n->M;
    case 'm':
        return 2 * n->M;
    case 'P':
        return n->P;
    default:
        return (unsigned)(letter - '0');
    }
}

/* One tensor: the name's '%', 'L' and '@' filled in, ".weight" added. */
static void store_add(store *s, const sizes *n, const char *word, const char *space, unsigned l, unsigned e)
{
    char name[128];
    const char *p;
    size_t at = 0, size = 2;
    for (p = word; p < space; p++)
        at += (size_t)(p[0] == 'L' && p == word ? snprintf(name + at, sizeof name - at, "model.layers.%u", l)
                       : p[0] == '%'            ? snprintf(name + at, sizeof name - at, "%u", l)
                       : p[0] == '@'            ? snprintf(name + at, sizeof name - at, "%u", e)
                       : p[0] != '!'            ? snprintf(name + at, sizeof name - at, "%c", p[0])
                                                : 0);
    if (space[-1] != '!' && (at < 5 || strcmp(name + at - 5, ".bias") != 0))
        snprintf(name + at, sizeof name - at, ".weight");
    s->len += (size_t)snprintf(s->header + s->len, sizeof s->header - s->len,
                               "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[", s->len > 1 ? "," : "", name);
    for (p = space + 1; *p != '|'; p++) {
        size *= dim(n, *p);
        s->len += (size_t)snprintf(s->header + s->len, sizeof s->header - s->len, "%s%u",
                                   p > space + 1 ? "," : "", dim(n, *p));
    }
    s->len += (size_t)snprintf(s->header + s->len, sizeof s->header - s->len, "],\"data_offsets\":[%lu,%lu]}",
                               (unsigned long)s->bytes, (unsigned long)(s->bytes + size));
    s->bytes += size;
}

/* The whole file, to be freed. */
static unsigned char *store_make(const row *r, size_t *size)
{
    static store s;
    const char *word, *space, *end;
    unsigned char *out;
    unsigned l, e, i;
    s.len = s.bytes = 0;
    s.header[s.len++] = '{';
    for (word = r->tensors; *word != 0; word = end + 1) {
        bool layers, experts = false;
        space = strchr(word, ' ');
        end = strchr(space, '|');
        layers = word[0] == 'L' || memchr(word, '%', (size_t)(space - word)) != NULL;
        experts = memchr(word, '@', (size_t)(space - word)) != NULL;
        for (l = 0; l < (layers ? r->n.L : 1); l++)
            for (e = 0; e < (experts ? r->n.E : 1); e++)
                store_add(&s, &r->n, word, space, l, e);
    }
    s.header[s.len++] = '}';
    while (s.len % 8 != 0)
        s.header[s.len++] = ' ';
    *size = 8 + s.len + s.bytes;
    out = (unsigned char *)calloc(1, *size);
    for (i = 0; out != NULL && i < 8; i++)
        out[i] = (unsigned char)((unsigned long long)s.len >> (8 * i));
    if (out != NULL)
        memcpy(out + 8, s.header, s.len);
    return out;
}

//--[ what came out ]--
static size_t add_set(char *out, size_t at, size_t size, const char *label, const llmc_layers *set,
                      unsigned L)
{
    unsigned l;
    at += (size_t)snprintf(out + at, size - at, "%s", label);
    for (l = 0; l < L; l++)
        at += (size_t)snprintf(out + at, size - at, "%d", llmc_layers_has(set, l) ? 1 : 0);
    return at;
}

/* The configuration in a line: heads h, key heads kv, size k, context c, epsilon, activation, rot turned
   dimensions/base, scaling*factor, local base, w window:layers, flat:layers without RoPE, as scale of
   scores, cap scores/logits, clip, par or own, factors of embedding e, branches r, logits l, experts
   x used/all*width+shared, tied. What is off is left out. */
static void describe(char *out, size_t size, const llmc_config *c)
{
    static const char *const act[] = {"silu", "tanh", "erf", "relu", "relu2", "oai"};
    static const char *const scaling[] = {"",     "linear", "ntk",     "dynamic",
                                          "yarn", "llama3", "factors", "longrope"};
    static const char *const parallel[] = {"", " par", " own"};
    llmc_layers none;
    size_t at;
    memset(&none, 0, sizeof none);
    at = (size_t)snprintf(out, size, "%uh %ukv k%u c%u eps%g %s", (unsigned)c->n_head, (unsigned)c->n_kv_head,
                          (unsigned)c->head_dim, (unsigned)c->context_length, (double)c->norm_eps,
                          act[c->act]);
#define ADD(cond, ...)                                                \
    do {                                                              \
        if (cond)                                                     \
            at += (size_t)snprintf(out + at, size - at, __VA_ARGS__); \
    } while (0)
    ADD(c->pos == LLMC_POS_ROPE, " rot%u/%g", (unsigned)c->rope_dims, (double)c->rope_base);
    ADD(c->rope_scaling != 0, " %s*%g", scaling[c->rope_scaling], (double)c->rope_factor);
    ADD(c->rope_local, " local%g", (double)c->rope_local_base);
    ADD(c->window_size != 0, " w%u", (unsigned)c->window_size);
    if (c->window_size != 0)
        at = add_set(out, at, size, ":", &c->windowed, c->n_layer);
    if (memcmp(&c->unturned, &none, sizeof none) != 0)
        at = add_set(out, at, size, " flat:", &c->unturned, c->n_layer);
    ADD(c->attn_scale != 0, " as%g", (double)c->attn_scale);
    ADD(c->attn_softcap != 0 || c->logit_softcap != 0, " cap%g/%g", (double)c->attn_softcap,
        (double)c->logit_softcap);
    ADD(c->attn_clamp != 0, " clip%g", (double)c->attn_clamp);
    ADD(c->parallel != LLMC_SERIAL, "%s", c->parallel == LLMC_PARALLEL_OWN ? parallel[2] : parallel[1]);
    ADD(c->embed_scale != 1, " e%g", (double)c->embed_scale);
    ADD(c->residual_scale != 1, " r%g", (double)c->residual_scale);
    ADD(c->logit_scale != 1, " l%g", (double)c->logit_scale);
    ADD(c->n_expert != 0, " x%u/%u*%u", (unsigned)c->n_expert_used, (unsigned)c->n_expert,
        (unsigned)c->n_ff_expert);
    ADD(c->n_ff_shared != 0, "+%u", (unsigned)c->n_ff_shared);
    ADD(c->n_expert != 0 && c->expert_renorm, " renorm");
    ADD(c->tied_head, " tied");
#undef ADD
}

/* The braces around a row's keys, with double quotes. */
static void quote(char *out, size_t size, const char *before, const char *keys)
{
    size_t i;
    snprintf(out, size, "{%s%s}", before, keys);
    for (i = 0; out[i] != 0; i++)
        if (out[i] == '\'')
            out[i] = '"';
}

static llmc_status open_row(const row *r, const char *json, llmc_config *out, llmc_diag *diag)
{
    llmc_blob file[2];
    llmc_model *model = NULL;
    llmc_status status;
    size_t need = 0, size = 0;
    unsigned char *data = store_make(r, &size);
    void *mem = NULL;
    memset(file, 0, sizeof file);
    memset(diag, 0, sizeof *diag);
    file[0].data = data;
    file[0].size = size;
    file[0].name = "model.safetensors";
    file[1].data = (const unsigned char *)json;
    file[1].size = strlen(json);
    file[1].name = "config.json";
    status = llmc_model_need(file, 2, NULL, &need, diag);
    if (status == LLMC_OK) {
        mem = malloc(need);
        status = llmc_model_init(&model, file, 2, NULL, mem, need, diag);
    }
    if (status == LLMC_OK)
        *out = *llmc_model_config(model);
    free(mem);
    free(data);
    return status;
}

static void real_files_load(void)
{
    static char json[8192];
    static llmc_config c;
    char got[512];
    llmc_diag diag;
    size_t i;
    for (i = 0; i < sizeof models / sizeof models[0]; i++) {
        quote(json, sizeof json, "", models[i].config);
        if (!CHECKF(open_row(&models[i], json, &c, &diag) == LLMC_OK, "%s: %s", models[i].name, diag.message))
            continue;
        describe(got, sizeof got, &c);
        CHECKF(strcmp(got, models[i].expected) == 0, "%s:\n  got      %s\n  expected %s", models[i].name, got,
               models[i].expected);
    }
}

static void other_meanings_are_refused(void)
{
    static char json[8192];
    static llmc_config c;
    llmc_diag diag;
    size_t i;
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        quote(json, sizeof json, COMMON SIZES, refused[i].keys);
        CHECKF(open_row(&models[0], json, &c, &diag) != LLMC_OK, "%s was accepted", refused[i].keys);
        CHECKF(strstr(diag.message, refused[i].named) != NULL, "%s: not named by '%s'", refused[i].keys,
               diag.message);
    }
}

int main(void)
{
    RUN(real_files_load);
    RUN(other_meanings_are_refused);
    return test_end("config");
}
